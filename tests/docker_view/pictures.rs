//! Pictures of the view: consistent, and as they were.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::view::{Container, Name, Shown, View, container, full};

/// A listing shows all containers in the order of their ids, each with its names; one without names too, and no names without a container.
#[test]
fn a_listing_joins_containers_and_names() {
    let view = View::new();
    view.save(&Container {
        running: true,
        ..container("2")
    })
    .unwrap();
    view.save(&container("1")).unwrap();
    view.reserve("web", &full("2")).unwrap();
    view.reserve("alias", &full("2")).unwrap();
    view.reserve("to-come", &full("3")).unwrap();
    let shown = |beginning: &str, names: &[&str], running| Shown {
        id: full(beginning),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        running,
    };
    assert_eq!(
        view.picture().all(),
        [shown("1", &[], false), shown("2", &["alias", "web"], true)]
    );
}

/// A picture that is held shows what it showed, through saves, deletions and changes of names, and after the view is gone.
#[test]
fn a_picture_stays() {
    let view = View::new();
    view.save(&container("1")).unwrap();
    view.reserve("one", &full("1")).unwrap();
    let picture = view.picture();
    let before = picture.all();
    view.save(&Container {
        running: true,
        ..container("1")
    })
    .unwrap();
    view.save(&container("2")).unwrap();
    view.release("one").unwrap();
    view.reserve("one", &full("2")).unwrap();
    view.delete(&full("1")).unwrap();
    assert_eq!(view.picture().all().len(), 1);
    drop(view);
    assert_eq!(picture.all(), before);
    assert_eq!(picture.id_of("one"), Ok(full("1").as_str()));
}

/// Ends the readers, also when the test fails, which would wait for them else.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// While containers are created with their names and deleted with them, no picture has one without the other. Theirs keeps a second map of containers beside the view,
/// and the two can disagree.
#[test]
fn no_picture_has_a_container_without_its_name() {
    let view = View::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _ends = Ends(&done);
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let picture = view.picture();
                    let shown = picture.all();
                    for container in &shown {
                        assert_eq!(container.names, [format!("name-{}", &container.id[..4])]);
                    }
                    assert_eq!(picture.all_names().len(), shown.len());
                }
            });
        }
        for n in 0..400 {
            let container = container(&format!("{:04}", n % 50));
            if view.picture().get(&container.id).is_ok() {
                view.delete(&container.id).unwrap();
            } else {
                view.db
                    .write(|tx| {
                        let name = format!("name-{}", &container.id[..4]);
                        tx.insert(Name {
                            name,
                            container: container.id.clone(),
                        })?;
                        tx.insert(container)
                    })
                    .unwrap();
            }
        }
    });
    assert!(view.picture().all().is_empty());
}

/// Who lists only the running ones, or waits for one to stop, asks an index: theirs makes a picture of every container for each such question.
#[test]
fn running_containers_are_an_index() {
    let view = View::new();
    for n in 0..4 {
        view.save(&Container {
            running: n % 2 == 0,
            pid: n,
            ..container(&n.to_string())
        })
        .unwrap();
    }
    let snap = view.picture().0;
    let running = |snap: &sapwood::Snapshot| -> Vec<u32> {
        snap.list(Container::BY_RUNNING.eq(true))
            .map(|container| container.pid)
            .collect()
    };
    assert_eq!(running(&snap), [0, 2]);
    let stops = snap.watch(Container::BY_RUNNING.eq(true));
    view.save(&Container {
        pid: 9,
        ..container("3")
    })
    .unwrap();
    assert!(!stops.is_fired());
    view.save(&Container {
        pid: 2,
        ..container("2")
    })
    .unwrap();
    assert!(stops.is_fired());
    assert_eq!(running(&view.picture().0), [0]);
}

/// The view on a file is there after the program has ended, containers and names; so a container's own file need not be read again to make it.
#[test]
fn the_view_can_be_kept_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.sap");
    let open = || {
        let db = sapwood::Database::builder()
            .table::<Container>()
            .table::<Name>();
        View {
            db: db.open(&path).unwrap(),
        }
    };
    let view = open();
    view.save(&container("1")).unwrap();
    view.reserve("one", &full("1")).unwrap();
    let before = view.picture().all();
    view.db.close().unwrap();
    drop(view);
    let view = open();
    assert_eq!(view.picture().all(), before);
    assert!(view.reserve("one", "other").is_err());
}
