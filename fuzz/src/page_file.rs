//! Any bytes as a page file: changes of one that is sound, under right checksums or not.

use std::sync::LazyLock;

use sapwood::pagefile::{Error, MemStorage, Options, PageFile};

#[path = "../../tests/flip/seal.rs"]
#[allow(dead_code, reason = "shared with the tests of damage")]
mod seal;
#[path = "../../tests/flip/use_all.rs"]
mod use_all;

/// Sound files, with their page sizes.
static FILES: LazyLock<Vec<(usize, Vec<u8>)>> = LazyLock::new(|| {
    [512, 1024, 4096]
        .into_iter()
        .filter_map(|page_size| Some((page_size as usize, sound(page_size).ok()?)))
        .collect()
});

fn sound(page_size: u32) -> Result<Vec<u8>, Error> {
    let file = Options::new().page_size(page_size).in_memory()?;
    fill(&file)?;
    let mut image = Vec::new();
    file.backup(&mut image)?;
    Ok(image)
}

fn fill(file: &PageFile) -> Result<(), Error> {
    file.update(|tx| {
        let mut rows = tx.create_bucket("rows")?;
        for key in 0..60u8 {
            rows.put([key], vec![key; usize::from(key) * 4])?;
        }
        rows.put([7; 700], "long")?;
        let mut below = rows.create_bucket("in")?;
        below.put("key", vec![1; 5000])?;
        below.create_bucket("deep")?.put("key", "")?;
        for name in 0..12u8 {
            tx.create_bucket([name])?.put("key", [name])?;
        }
        Ok(())
    })
}

/// The first byte chooses: the bytes as they are, or changes of one of the sound files, four bytes each (where, and what), sealed or not.
pub fn run(bytes: &[u8]) {
    let Some((&choice, changes)) = bytes.split_first() else {
        return;
    };
    let file = FILES.get(usize::from(choice % 4));
    let Some((page_size, image)) = file else {
        use_all::use_all_of(Box::new(MemStorage::new(changes.to_vec())));
        return;
    };
    let mut image = image.clone();
    for change in changes.chunks_exact(4).take(64) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]]));
        // The slots are a small part of the file, and decide the most.
        let len = if change[2] & 1 == 0 {
            4608
        } else {
            image.len()
        };
        let slots = if change[2] & 2 == 0 { 1 } else { 2 };
        for slot in 0..slots {
            let at = place % len + slot * 4096;
            if let Some(byte) = image.get_mut(at) {
                *byte = if change[2] & 4 == 0 {
                    change[3]
                } else {
                    *byte ^ change[3]
                };
            }
        }
    }
    if choice & 0x40 != 0 {
        seal::seal(&mut image, *page_size);
    }
    use_all::use_all_of(Box::new(MemStorage::new(image)));
}
