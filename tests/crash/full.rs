//! A disk without room.

use sapwood::pagefile::Error;

use super::{
    found::open_clean,
    sim::{Crash, Model, SimDisk, change, contents, filled},
};

/// Proves that a full disk is a typed error, loses nothing, and that the next commit works once there is room.
#[test]
fn full_disk_is_survived() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    let mut refused = 0;
    let mut room = disk.image().len();
    disk.set_capacity(Some(room));
    for seed in 0..80 {
        let mut next = model.clone();
        match change(&file, &mut next, seed) {
            Ok(_) => model = next,
            Err(Error::StorageFull { needed, .. }) => {
                assert!(needed > 0);
                refused += 1;
                assert_eq!(disk.image().len() as u64, file.stats().file_bytes);
                assert_eq!(contents(&file).unwrap(), model);
                room += 3 * 1024;
                disk.set_capacity(Some(room));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 5, "the disk was never full");
    assert_eq!(contents(&file).unwrap(), model);
    let (_, found) = open_clean(&disk.crash(Crash::None, 1), "after the full disk");
    assert_eq!(found, model);
}

/// Proves the same of a commit so large that it lengthens the file by its own pages: wherever the disk is full, the file is what it was.
#[test]
fn full_disk_is_survived_by_large_commits() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    change(&file, &mut model, 1).unwrap();
    let len = disk.image().len();
    let value = filled(3 << 20, 7);
    let put = || {
        file.update(|tx| {
            let mut bucket = tx.bucket_or_create("large")?;
            bucket.put("a", &value)?;
            bucket.put("b", &value)
        })
    };
    for room in [0, 1000, 4 << 20] {
        disk.set_capacity(Some(len + room));
        assert!(matches!(put(), Err(Error::StorageFull { needed, .. }) if needed > 5 << 20));
        assert_eq!(disk.image().len(), len);
        assert_eq!(file.stats().file_bytes, len as u64);
        assert_eq!(contents(&file).unwrap(), model);
    }
    disk.set_capacity(None);
    change(&file, &mut model, 2).unwrap();
    put().unwrap();
    let rows = model.entry(b"large".to_vec()).or_default();
    rows.extend([b"a", b"b"].map(|key| (key.to_vec(), value.clone())));
    let (_, found) = open_clean(&disk.crash(Crash::None, 1), "after the large commit");
    assert_eq!(found, model);
}
