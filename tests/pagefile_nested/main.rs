//! Buckets in buckets, cursors, savepoints and nested transactions do what nested maps do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod model;
mod ops;
mod run;
mod walk;

use proptest::prelude::*;
use sapwood::pagefile::{Options, PageFile, ReadTxn, WriteTxn};

use model::{Node, Tree, read};
use ops::{Op, op};
use run::{outcome, run};

fn options() -> Options {
    Options::new().page_size(512).grow_by(4096)
}

/// With a log that a few commits fill, and a file that is large enough for it.
fn logged(log: bool) -> Options {
    if log {
        options().log_size(4096).initial_size(256 * 1024)
    } else {
        options()
    }
}

#[derive(Clone, Debug)]
struct Txn {
    ops: Vec<Op>,
    abort: bool,
    hold: bool,
    reopen: bool,
}

fn txn() -> impl Strategy<Value = Txn> {
    let ops = prop::collection::vec(op(), 0..25);
    (ops, 0u8..6, 0u8..3, 0u8..5).prop_map(|(ops, abort, hold, reopen)| Txn {
        ops,
        abort: abort == 0,
        hold: hold == 0,
        reopen: reopen == 0,
    })
}

fn check(file: &PageFile, model: &Tree) {
    let report = file.check().unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!((report.rows, report.buckets), model.count());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Proves that random transactions on nested buckets, with cursors that delete, savepoints, nested transactions, readers held open, aborts and
    /// reopenings give what nested maps give, and that after each commit every page is reached once or free.
    #[test]
    fn transactions_give_what_nested_maps_give(txns in prop::collection::vec(txn(), 1..10), map in any::<bool>(), log in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let open = || logged(log).memory_map(map).open(&path);
        let mut file = open().unwrap();
        let mut model = Tree::default();
        let mut readers: Vec<(ReadTxn, Tree)> = Vec::new();
        for txn in &txns {
            let mut next = model.clone();
            let mut tx = file.begin_write().unwrap();
            run(&mut tx, &mut next, &txn.ops);
            if txn.abort {
                drop(tx);
            } else {
                tx.commit().unwrap();
                model = next;
            }
            check(&file, &model);
            for (reader, seen) in &readers {
                prop_assert!(read(&reader.root()) == *seen);
            }
            if txn.hold {
                readers.push((file.begin_read(), model.clone()));
            }
            if txn.reopen {
                readers.clear();
                drop(file);
                file = open().unwrap();
            }
            prop_assert!(read(&file.begin_read().root()) == model);
        }
    }
}

/// Proves that nothing recurses as buckets lie deeper: ten thousand in one another, on a small stack, are made, read, checked, moved and deleted.
#[test]
fn depth_costs_no_stack() {
    let work = || {
        let file = options().in_memory().unwrap();
        let path: Vec<[u8; 2]> = (0..10_000u16).map(u16::to_be_bytes).collect();
        file.update(|tx| tx.bucket_or_create_at(&path)?.put("key", "value"))
            .unwrap();
        let read = file.begin_read();
        let deepest = read.bucket_at(&path).unwrap().unwrap();
        assert_eq!(deepest.get("key").unwrap().as_deref(), Some(&b"value"[..]));
        file.update(|tx| {
            let savepoint = tx.savepoint();
            tx.bucket_mut_at(&path)?.unwrap().put("key", "other")?;
            tx.rollback_to(&savepoint)?;
            tx.move_bucket(&path[..1], ["moved"])
        })
        .unwrap();
        let report = file.check().unwrap();
        assert!(report.is_clean() && report.buckets == 10_000, "{report:?}");
        file.update(|tx| tx.delete_bucket("moved")).unwrap();
        let report = file.check().unwrap();
        assert!(report.is_clean() && report.buckets == 0, "{report:?}");
        assert_eq!((report.leaf_pages, report.branch_pages), (0, 0));
    };
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    thread.spawn(work).unwrap().join().unwrap();
}

/// Proves that an operation that is refused leaves everything as it was, what it brought into memory too: what is committed after it is sound.
#[test]
fn refusals_leave_the_file_sound() {
    let file = options().in_memory().unwrap();
    let mut model = Tree::default();
    let put_many = |tx: &mut WriteTxn, model: &mut Tree, name: u8| {
        let ops = [
            Op::Make(vec![vec![name], vec![1]]),
            Op::Fill(vec![vec![name]], 2),
            Op::Fill(vec![vec![name], vec![1]], 3),
        ];
        run(tx, model, &ops);
    };
    let mut tx = file.begin_write().unwrap();
    put_many(&mut tx, &mut model, 0);
    put_many(&mut tx, &mut model, 1);
    tx.commit().unwrap();
    let mut tx = file.begin_write().unwrap();
    let refused = [
        Op::Put(vec![vec![0]], vec![1], vec![9]),
        Op::Delete(vec![vec![0]], vec![1]),
        Op::Create(vec![vec![0], vec![2, 7]]),
        Op::DeleteBucket(vec![vec![0], vec![2, 7]]),
        Op::Move(vec![vec![0], vec![1]], vec![vec![0], vec![2, 7]]),
        Op::Move(vec![vec![0]], vec![vec![0], vec![1], vec![5]]),
        Op::Put(vec![vec![1]], vec![8], vec![8]),
    ];
    run(&mut tx, &mut model, &refused);
    tx.commit().unwrap();
    check(&file, &model);
    assert!(read(&file.begin_read().root()) == model);
}

/// Proves that going back takes with it what was done to buckets that lie deep, and what was freed: nothing is lost, and nothing is freed twice.
#[test]
fn going_back_is_exact() {
    let file = options().in_memory().unwrap();
    let ops = [
        Op::Make(vec![vec![0], vec![1], vec![2]]),
        Op::Fill(vec![vec![0], vec![1], vec![2]], 0),
    ];
    let mut model = Tree::default();
    let mut tx = file.begin_write().unwrap();
    run(&mut tx, &mut model, &ops);
    tx.commit().unwrap();
    for _ in 0..3 {
        let mut tx = file.begin_write().unwrap();
        let mut kept = tx.savepoint();
        for round in 0..4u8 {
            tx.delete_bucket([0]).unwrap();
            tx.bucket_or_create_at([[0], [1]])
                .unwrap()
                .put([round], "")
                .unwrap();
            tx.rollback_to(&kept).unwrap();
            kept = tx.savepoint();
        }
        tx.bucket_mut_at([[0], [1], [2]])
            .unwrap()
            .unwrap()
            .put([0, 0], "kept")
            .unwrap();
        tx.commit().unwrap();
        let tree = model.at_mut(&[vec![0], vec![1], vec![2]]).unwrap();
        tree.items.insert(vec![0, 0], Node::Value(b"kept".to_vec()));
        check(&file, &model);
        assert!(read(&file.begin_read().root()) == model);
    }
}

/// Proves that a savepoint of one transaction means nothing to another.
#[test]
fn savepoints_are_of_their_transaction() {
    let file = options().in_memory().unwrap();
    let mut tx = file.begin_write().unwrap();
    let savepoint = tx.savepoint();
    drop(tx);
    let mut tx = file.begin_write().unwrap();
    assert_eq!(outcome(tx.rollback_to(&savepoint)), Err("no savepoint"));
    let mut nested = tx.begin_nested();
    let within = nested.savepoint();
    nested.rollback_to(&within).unwrap();
    nested.commit();
    assert_eq!(outcome(tx.rollback_to(&within)), Err("no savepoint"));
}
