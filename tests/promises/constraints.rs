//! What may be stored, and what is left of what may not: constraints, refused writes, compare-and-set, panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use sapwood::{Error, Revision};

use super::fixture::{User, everything, names, of, strings, user};

/// A second row with a key of a unique secondary index is refused, by insert, put and update, and the error names both rows. go-memdb let it take the first one's
/// place in that index.
#[test]
fn a_unique_secondary_index_is_a_constraint() {
    let first = User {
        badges: vec![1, 2],
        ..user("ann", 1)
    };
    let db = of([first, user("bob", 1)]);
    let before = everything(&db);
    let thief = User {
        mail: "ann@example.org".to_owned(),
        ..user("eve", 1)
    };
    let badge = User {
        badges: vec![3, 2],
        ..user("bob", 1)
    };
    let mut tx = db.begin_write().unwrap();
    for refused in [
        tx.insert(thief.clone()).map(drop),
        tx.put(thief).map(drop),
        tx.put(badge).map(drop),
        tx.update::<User>("bob", |user| user.mail = "ann@example.org".to_owned())
            .map(drop),
    ] {
        let Err(Error::Duplicate { existing, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(existing, "\"ann\"");
    }
    tx.commit().unwrap();
    assert_eq!(everything(&db), before);
    // The owner may keep and change its own, and who comes later may have what was freed.
    db.write(|tx| tx.update::<User>("ann", |user| user.badges.reverse()))
        .unwrap();
    db.write(|tx| {
        tx.update::<User>("ann", |user| user.badges.clear())?;
        tx.update::<User>("bob", |user| user.badges = vec![1, 2])
    })
    .unwrap();
    let snapshot = db.snapshot();
    assert_eq!(names(snapshot.list(User::BY_BADGES.eq(2))), ["bob"]);
}

/// An insert that is refused leaves no trace in any index, whichever index refuses it; the transaction goes on and commits the rest. go-memdb applied half of it, another
/// half on each run.
#[test]
fn a_failed_insert_leaves_no_trace() {
    let holder = User {
        badges: vec![7],
        ..user("ann", 1)
    };
    for refused in [
        User {
            mail: "ann@example.org".to_owned(),
            teams: strings(&["a", "b"]),
            ..user("new", 5)
        },
        User {
            badges: vec![1, 2, 7, 9],
            teams: strings(&["a", "b"]),
            roles: strings(&["r"]),
            ..user("new", 5)
        },
        User {
            mail: "x".repeat(40_000),
            ..user("new", 5)
        },
        User {
            teams: vec!["fine".to_owned(), "x".repeat(40_000)],
            ..user("new", 5)
        },
        User {
            teams: vec!["other".to_owned()],
            ..user("ann", 9)
        },
    ] {
        let db = of([holder.clone()]);
        let before = everything(&db);
        let mut tx = db.begin_write().unwrap();
        assert!(tx.insert(refused.clone()).is_err());
        assert_eq!(tx.count(User::BY_TEAMS.all()), 0);
        // A put in the place of another row leaves that one, unless its own keys are all that was in the way.
        if refused.badges.is_empty() && refused.mail.len() > 30_000 {
            let over = User {
                name: "ann".to_owned(),
                ..refused
            };
            assert!(tx.put(over).is_err());
        }
        tx.commit().unwrap();
        assert_eq!(everything(&db), before);
        // What was refused is not held against who comes after.
        db.write(|tx| tx.insert(user("new", 1))).unwrap();
    }
}

/// A key of up to 32 KiB is taken, whole; one byte more is refused, in the primary index and in every other. Nothing is cut short.
#[test]
fn keys_over_the_limit_are_refused() {
    // What a string adds is two bytes of its end.
    let longest = "x".repeat(sapwood::key::MAX_KEY_LEN - 2);
    let db = of([]);
    db.write(|tx| {
        tx.insert(User {
            mail: String::new(),
            ..user(&longest[1..], 1)
        })
    })
    .unwrap_err();
    let mut fits = user("ann", 1);
    fits.mail.clone_from(&longest);
    db.write(|tx| tx.insert(fits.clone())).unwrap();
    assert!(db.snapshot().contains(User::BY_MAIL.eq(&longest)));
    assert!(!db.snapshot().contains(User::BY_MAIL.eq(&longest[1..])));
    fits.mail.push('x');
    let refused = db.write(|tx| tx.put(fits)).unwrap_err();
    assert!(
        matches!(&refused, Error::KeyTooLong { index, len, .. }
            if index == "by_mail" && *len == sapwood::key::MAX_KEY_LEN + 1),
        "{refused}"
    );
    assert_eq!(db.snapshot().get::<User>("ann").unwrap().mail, longest);
    // A query for what is too long to be there finds nothing.
    assert!(db.snapshot().get::<User>(longest.repeat(2)).is_none());
}

/// Compare-and-set with revision 0 means that there must be no row: for `put_if` and for `remove_if`. In statedb it meant that nothing was compared.
#[test]
fn compare_and_set_with_zero_means_absent() {
    let db = of([user("ann", 1)]);
    let mut tx = db.begin_write().unwrap();
    for refused in [
        tx.put_if(user("ann", 2), Revision::ZERO).map(drop),
        tx.update_if::<User>("ann", Revision::ZERO, |user| user.level = 2)
            .map(drop),
        tx.remove_if::<User>("ann", Revision::ZERO).map(drop),
    ] {
        assert!(
            matches!(&refused, Err(Error::WrongRevision { expected, .. }) if *expected == Revision::ZERO),
            "{refused:?}"
        );
    }
    assert_eq!(tx.put_if(user("bob", 1), Revision::ZERO).unwrap(), None);
    assert_eq!(
        tx.remove_if::<User>("nobody", Revision::ZERO).unwrap(),
        None
    );
    assert!(tx.put_if(user("carl", 1), tx.revision()).is_err());
    tx.commit().unwrap();
    let snapshot = db.snapshot();
    assert_eq!(snapshot.get::<User>("ann").map(|row| row.level), Some(1));
    assert_eq!(names(snapshot.list(User::ALL)), ["ann", "bob"]);
}

/// A panic in an index's function leaves the writer free and the transaction as it was before the operation; if it leaves the transaction too, all of it is rolled back. In
/// go-memdb the lock was held for ever.
#[test]
fn a_panic_in_an_index_function_rolls_back() {
    let db = of([user("ann", 1)]);
    let before = everything(&db);
    let spoilt = User {
        teams: strings(&["a"]),
        check: -1,
        ..user("new", 2)
    };
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        db.write(|tx| {
            tx.insert(user("bob", 1))?;
            tx.insert(spoilt.clone())
        })
    }));
    assert!(panicked.is_err_and(|panic| panic.is::<&str>()));
    assert_eq!(everything(&db), before);
    // The writer is free, for this thread and for others.
    thread::scope(|scope| {
        let other = scope.spawn(|| db.try_begin_write().is_ok_and(|tx| tx.is_some()));
        assert!(other.join().unwrap());
    });
    // Caught within the transaction, it has done nothing, and the rest is committed.
    let mut tx = db.begin_write().unwrap();
    tx.insert(user("bob", 1)).unwrap();
    for _ in 0..3 {
        let panicked = catch_unwind(AssertUnwindSafe(|| tx.insert(spoilt.clone())));
        assert!(panicked.is_err());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            tx.update::<User>("ann", |user| {
                user.level = 9;
                user.check = -1;
            })
        }));
        assert!(panicked.is_err());
    }
    assert_eq!(names(tx.list(User::ALL)), ["ann", "bob"]);
    assert_eq!(tx.count(User::BY_TEAMS.all()), 0);
    tx.commit().unwrap();
    let snapshot = db.snapshot();
    assert_eq!(names(snapshot.list(User::BY_LEVEL.eq(1))), ["ann", "bob"]);
    assert_eq!(names(snapshot.list(User::BY_CHECKED.all())), ["ann", "bob"]);
}

/// A row that was stored is what it was, whoever holds it: the closure of an update has a copy, also when the update is refused. In go-memdb a change
/// in place left entries that no row had.
#[test]
fn a_stored_row_cannot_be_changed_in_place() {
    let db = of([user("ann", 1), user("bob", 1)]);
    let kept = db.snapshot().get::<User>("ann").unwrap().clone();
    let refused = db.write(|tx| {
        tx.update::<User>("ann", |user| {
            user.level = 7;
            user.mail = "bob@example.org".to_owned();
        })
    });
    assert!(refused.is_err());
    assert_eq!((kept.level, &*kept.mail), (1, "ann@example.org"));
    db.write(|tx| tx.update::<User>("ann", |user| user.level = 7))
        .unwrap();
    assert_eq!(kept.level, 1);
    let snapshot = db.snapshot();
    assert_eq!(names(snapshot.list(User::BY_LEVEL.eq(1))), ["bob"]);
    assert_eq!(names(snapshot.list(User::BY_LEVEL.eq(7))), ["ann"]);
}
