//! What is damaged, or no backup at all, changes nothing.

use sapwood::Error;

use super::{Pod, copy_of, names, pod, pods};

/// A backup of which any byte is another one, or the end is missing, is refused with an error, and nothing is changed; or it is the backup all the same, where the byte is in the copy of the meta
/// or in what nothing is in.
#[test]
fn damaged_backups_change_nothing() {
    let db = pods();
    for id in 0..60 {
        let note = (id % 20 == 0).then(|| "long ".repeat(400));
        let name = format!("pod-{id}");
        db.write(|tx| tx.insert(Pod { id, name, note })).unwrap();
    }
    let copy = copy_of(&db);
    let saved = names(&db);
    db.write(|tx| tx.insert(pod(100, "pod-x"))).unwrap();
    let (revision, now) = (db.revision(), names(&db));
    let refused = |bytes: &[u8]| match db.restore(bytes) {
        Ok(restored) => {
            assert_eq!((restored.removed, restored.equal), (1, 60));
            assert_eq!(names(&db), saved);
            db.write(|tx| tx.insert(pod(100, "pod-x"))).unwrap();
            false
        }
        Err(Error::File { path, .. } | Error::Foreign { path, .. }) => {
            assert_eq!(&*path, "backup");
            assert_eq!(names(&db), now);
            true
        }
        Err(other) => panic!("{other}"),
    };
    for len in (0..copy.len()).step_by(509) {
        assert!(refused(&copy[..len]), "{len} bytes");
    }
    assert_eq!(db.revision(), revision);
    let mut refusals = 0;
    for at in (0..copy.len()).step_by(7) {
        let mut flipped = copy.clone();
        flipped[at] ^= 1 << (at % 8);
        refusals += usize::from(refused(&flipped));
    }
    // All of the pages; of the two slots, one suffices.
    assert_eq!(
        refusals,
        (8192..copy.len()).filter(|at| at % 7 == 0).count()
    );
    // Both slots, and texts.
    let mut flipped = copy.clone();
    (flipped[20], flipped[4096 + 20]) = (0xFF, 0xFF);
    for bytes in [&flipped[..], b"", b"not a backup at all", &[0; 9000]] {
        assert!(refused(bytes));
    }
}

/// A reader that fails gives its error, and so does a file that is not there, and one that is not a database's: a page file of another program, or one without anything in it.
#[test]
fn what_is_no_backup_is_refused() {
    use sapwood::pagefile::PageFile;

    struct Cut;
    impl std::io::Read for Cut {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the line is cut"))
        }
    }
    let db = pods();
    db.write(|tx| tx.insert(pod(1, "a"))).unwrap();
    let error = db.restore(Cut).unwrap_err().to_string();
    assert_eq!(
        error,
        "backup: could not read the page file: the line is cut"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sap");
    assert!(matches!(db.restore_from(&path), Err(Error::File { .. })));
    let file = PageFile::open(&path).unwrap();
    assert!(
        matches!(db.restore_from(&path), Err(Error::File { .. })),
        "it is open to write"
    );
    file.close().unwrap();
    let error = db.restore_from(&path).unwrap_err().to_string();
    let expected = format!(
        "{}: a page file that holds nothing is no backup",
        path.display()
    );
    assert_eq!(error, expected);
    let file = PageFile::open(&path).unwrap();
    file.update(|tx| tx.create_bucket("mine")?.put("a", "1"))
        .unwrap();
    file.close().unwrap();
    assert!(matches!(db.restore_from(&path), Err(Error::Foreign { .. })));
    assert_eq!(names(&db), [(1, "a".to_owned())]);
}
