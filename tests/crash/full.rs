//! A disk without room.

use sapwood::pagefile::Error;

use super::{
    found::open_clean,
    sim::{Crash, Model, SimDisk, change, contents},
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
