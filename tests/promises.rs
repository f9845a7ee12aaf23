//! What others got wrong, as promises: each test is named after the defect's opposite, and fails if it ever comes back.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    reason = "a test that cannot go on fails; indexes share columns"
)]
#![cfg(feature = "derive")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use sapwood::watch::Watch;
use sapwood::{Change, Database, Error, Query, Revision, Row, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "users")]
#[table(index(by_team_role, with(team_roles) -> (String, String), each))]
#[table(index(by_checked, with(checked) -> i32))]
struct User {
    #[key]
    name: String,
    #[index(unique)]
    mail: String,
    #[index]
    level: i64,
    #[index(each)]
    teams: Vec<String>,
    #[index(each, unique)]
    badges: Vec<u16>,
    roles: Vec<String>,
    check: i32,
}

/// Each team with each role.
fn team_roles(user: &User) -> Vec<(&str, &str)> {
    let pairs = user.teams.iter().flat_map(|team| {
        let roles = user.roles.iter();
        roles.map(|role| (team.as_str(), role.as_str()))
    });
    pairs.collect()
}

/// Panics for some users, without the words of the panic hook.
fn checked(user: &User) -> i32 {
    if user.check < 0 {
        resume_unwind(Box::new("on purpose"));
    }
    user.check
}

fn user(name: &str, level: i64) -> User {
    User {
        name: name.to_owned(),
        mail: format!("{name}@example.org"),
        level,
        teams: Vec::new(),
        badges: Vec::new(),
        roles: Vec::new(),
        check: 0,
    }
}

fn strings(strings: &[&str]) -> Vec<String> {
    strings.iter().map(|&text| text.to_owned()).collect()
}

fn of<const N: usize>(users: [User; N]) -> Database {
    let db = Database::builder().table::<User>().in_memory().unwrap();
    db.write(|tx| {
        users
            .into_iter()
            .try_for_each(|user| tx.insert(user).map(drop))
    })
    .unwrap_or_else(|error: Error| panic!("{error}"));
    db
}

fn names<'a>(rows: impl Iterator<Item = &'a Row<User>>) -> Vec<&'a str> {
    rows.map(|row| row.name.as_str()).collect()
}

/// What each index of the table holds, in its order.
fn everything(db: &Database) -> Vec<Vec<User>> {
    let snapshot = db.snapshot();
    let queries = [
        User::ALL,
        User::BY_MAIL.all(),
        User::BY_LEVEL.all(),
        User::BY_TEAMS.all(),
        User::BY_BADGES.all(),
        User::BY_TEAM_ROLE.all(),
        User::BY_CHECKED.all(),
    ];
    let rows = |query: Query<User>| snapshot.list(query).map(|row| User::clone(row)).collect();
    queries.map(rows).into()
}

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
        // A put that is refused leaves the row that it would have replaced.
        if refused.name != "ann" {
            let replaced = User {
                name: "ann".to_owned(),
                ..refused
            };
            let kept = tx.put(replaced).is_err();
            assert!(kept == (tx.get::<User>("ann").map(|row| row.level) == Some(1)));
            drop(tx);
        } else {
            tx.commit().unwrap();
        }
        assert_eq!(everything(&db), before);
        // What was refused is not held against who comes after.
        db.write(|tx| tx.insert(user("new", 1))).unwrap();
    }
}

/// An exact lookup never matches a longer key: not of a string, not of a number, not of a compound, not on a unique index, not with zeros in it.
#[test]
fn an_exact_lookup_never_matches_a_longer_key() {
    let teams = |name: &str, teams: &[&str], roles: &[&str]| User {
        teams: strings(teams),
        roles: strings(roles),
        ..user(name, 1)
    };
    let db = of([
        teams("a", &["t"], &["r"]),
        teams("ab", &["tt"], &["r"]),
        teams("a\0", &["t\0"], &["rr"]),
        teams("a\0b", &["t\0\0"], &["r"]),
    ]);
    let snapshot = db.snapshot();
    for name in ["a", "ab", "a\0", "a\0b"] {
        assert_eq!(names(snapshot.list(User::BY_NAME.eq(name))), [name]);
        let mail = format!("{name}@example.org");
        assert_eq!(names(snapshot.list(User::BY_MAIL.eq(mail))), [name]);
    }
    assert_eq!(names(snapshot.list(User::BY_TEAMS.eq("t"))), ["a"]);
    assert_eq!(names(snapshot.list(User::BY_TEAMS.eq("t\0"))), ["a\0"]);
    assert_eq!(names(snapshot.list(User::BY_TEAM_ROLE.prefix("t"))), ["a"]);
    assert_eq!(
        names(snapshot.list(User::BY_TEAM_ROLE.eq(("t\0", "r")))),
        [""; 0]
    );
    assert_eq!(names(snapshot.list(User::BY_MAIL.eq("a"))), [""; 0]);
}

/// A reverse scan from a bound of an index that rows share takes in the rows at the bound.
#[test]
fn reverse_bounds_on_shared_indexes_are_inclusive() {
    let db = of([user("a", 1), user("b", 2), user("c", 2), user("d", 3)]);
    let snapshot = db.snapshot();
    let down = |query: Query<User>| names(snapshot.list(query).rev());
    assert_eq!(down(User::BY_LEVEL.range(..=2)), ["c", "b", "a"]);
    assert_eq!(down(User::BY_LEVEL.range(..2)), ["a"]);
    assert_eq!(down(User::BY_LEVEL.range(2..=3)), ["d", "c", "b"]);
    assert_eq!(
        snapshot
            .last(User::BY_LEVEL.range(..=2))
            .map(|row| &*row.name),
        Some("c")
    );
}

/// `remove_all` on an index with several keys a row removes each row once, and counts rows. go-memdb stopped at the second key of a row, half done.
#[test]
fn remove_all_works_on_multi_value_indexes() {
    let teams = |name: &str, teams: &[&str]| User {
        teams: strings(teams),
        roles: strings(&["r", "s"]),
        ..user(name, 1)
    };
    let rows = || {
        [
            teams("a", &["t1", "t2", "x"]),
            teams("b", &["t2", "t2"]),
            teams("c", &["x"]),
        ]
    };
    for (query, removed) in [
        (User::BY_TEAMS.starts_with("t"), 2),
        (User::BY_TEAMS.eq("x"), 2),
        (User::BY_TEAMS.all(), 3),
        (User::BY_TEAM_ROLE.prefix("t2"), 2),
        (User::BY_TEAM_ROLE.all(), 3),
    ] {
        let db = of(rows());
        let count = db.write(|tx| tx.remove_all(query.clone())).unwrap();
        assert_eq!(count, removed, "{query:?}");
        let snapshot = db.snapshot();
        assert_eq!(snapshot.count(User::ALL), 3 - removed);
        assert!(!snapshot.contains(query));
        // No entry of a removed row is left anywhere.
        for rows in everything(&db) {
            assert!(
                rows.iter()
                    .all(|row| snapshot.get::<User>(&row.name).is_some())
            );
        }
    }
}

/// Every combination of several values in several columns finds its row, and no other combination does. go-memdb's keys of three and more parts ran into each other.
#[test]
fn compound_keys_of_several_values_are_whole() {
    let teams = strings(&["a", "aa", "a\0", ""]);
    let roles = strings(&["", "b", "a", "bb\0"]);
    let db = of([User {
        teams: teams.clone(),
        roles: roles.clone(),
        ..user("ann", 1)
    }]);
    let snapshot = db.snapshot();
    assert_eq!(snapshot.count(User::BY_TEAM_ROLE.all()), 16);
    for team in &teams {
        for role in &roles {
            let pair = (team.as_str(), role.as_str());
            assert_eq!(snapshot.count(User::BY_TEAM_ROLE.eq(pair)), 1, "{pair:?}");
        }
        assert_eq!(snapshot.count(User::BY_TEAM_ROLE.prefix(team.as_str())), 4);
    }
    for other in [("a", "bb"), ("b", "a"), ("aab", ""), ("a", "\0")] {
        assert!(
            !snapshot.contains(User::BY_TEAM_ROLE.eq(other)),
            "{other:?}"
        );
    }
}

/// Negative integers come before the positive ones, in lists and in ranges.
#[test]
fn negative_integers_are_in_order() {
    let levels = [0, -1, 1, i64::MIN, i64::MAX, -256, 255, -255, 256];
    let db = of(levels.map(|level| user(&level.to_string(), level)));
    let mut sorted = levels;
    sorted.sort_unstable();
    let snapshot = db.snapshot();
    let found =
        |query: Query<User>| -> Vec<i64> { snapshot.list(query).map(|row| row.level).collect() };
    assert_eq!(found(User::BY_LEVEL.all()), sorted);
    assert_eq!(found(User::BY_LEVEL.range(-256..0)), [-256, -255, -1]);
    assert_eq!(found(User::BY_LEVEL.range(-1..=1)), [-1, 0, 1]);
    assert_eq!(found(User::BY_LEVEL.eq(-1)), [-1]);
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

/// A compare-and-set that fails changes nothing, makes no revision and wakes nobody.
#[test]
fn a_failed_compare_and_set_wakes_nobody() {
    let db = of([user("ann", 1), user("bob", 1)]);
    let seen = db.revision();
    db.write(|tx| tx.update::<User>("ann", |user| user.level = 2))
        .unwrap();
    let snapshot = db.snapshot();
    let watches = [
        User::ALL,
        User::BY_NAME.eq("ann"),
        User::BY_NAME.eq("new"),
        User::BY_LEVEL.eq(3),
        User::BY_MAIL.starts_with("ann"),
    ]
    .map(|query| snapshot.watch(query));
    let mut follower = db.follow(User::ALL).unwrap();
    follower.try_next().unwrap();
    let before = everything(&db);
    let mut tx = db.begin_write().unwrap();
    assert!(tx.put_if(user("ann", 3), seen).is_err());
    assert!(tx.put_if(user("new", 3), seen).is_err());
    assert!(
        tx.update_if::<User>("ann", seen, |user| user.level = 3)
            .is_err()
    );
    assert!(tx.remove_if::<User>("ann", seen).is_err());
    assert!(tx.remove_all_if(User::ALL, seen).is_err());
    assert_eq!(tx.commit().unwrap(), snapshot.revision());
    assert!(!watches.iter().any(Watch::is_fired));
    assert!(follower.try_next().is_none());
    assert_eq!(everything(&db), before);
}

/// A follower that is asked while a transaction of its own thread runs tells only what is committed; an abort loses nothing, and the commit after it is told whole. In
/// statedb a stream that was read within a transaction saw what was then aborted, and what came in its place never.
#[test]
fn streams_read_only_what_is_committed() {
    let db = of([user("ann", 1)]);
    let mut follower = db.follow(User::ALL).unwrap();
    let mut tx = db.begin_write().unwrap();
    tx.insert(user("bob", 1)).unwrap();
    tx.remove::<User>("ann").unwrap();
    // The first step too, and a follower that begins now.
    let names = |changes: Vec<Change<User>>| -> Vec<String> {
        let rows = changes
            .into_iter()
            .filter_map(|change| change.after().cloned());
        rows.map(|row| row.name.clone()).collect()
    };
    let mut second = db.follow(User::ALL).unwrap();
    for follower in [&mut follower, &mut second] {
        let first: Vec<_> = follower.try_next().unwrap().into_iter().collect();
        assert_eq!(names(first), ["ann"]);
        assert!(follower.try_next().is_none());
    }
    drop(tx);
    assert!(follower.try_next().is_none());
    let mut tx = db.begin_write().unwrap();
    tx.insert(user("carl", 1)).unwrap();
    assert!(follower.try_next().is_none());
    assert!(!db.snapshot().watch(User::ALL).is_fired());
    tx.commit().unwrap();
    for follower in [follower, second] {
        let mut follower = follower;
        let step: Vec<_> = follower.try_next().unwrap().into_iter().collect();
        assert!(matches!(&step[..], [Change::Inserted(row)] if row.name == "carl"));
        assert!(follower.snapshot().get::<User>("ann").is_some());
        assert!(follower.try_next().is_none());
    }
}

/// A watch on a hit, a miss, a list, a prefix or a range is not woken by neighbours: rows as close as keys can be, on every side, in every index, added, changed and
/// removed. And it is woken by its own.
#[test]
fn watches_are_not_woken_by_neighbours() {
    let member = |name: &str, level, team: &str| User {
        teams: strings(&[team]),
        ..user(name, level)
    };
    let db = of([
        member("m", 10, "tm"),
        member("ma", 20, "tma"),
        member("l", 5, "tl"),
    ]);
    let snapshot = db.snapshot();
    let watches = [
        (User::BY_NAME.eq("m"), "hit"),
        (User::BY_NAME.eq("mb"), "miss"),
        (User::BY_LEVEL.eq(10), "list"),
        (User::BY_TEAMS.eq("tm"), "list of elements"),
        (User::BY_NAME.starts_with("mb"), "prefix"),
        (User::BY_LEVEL.range(8..=12), "range"),
        (User::BY_LEVEL.range(30..), "open range"),
    ]
    .map(|(query, what)| (snapshot.watch(query), what));
    let fired = || -> Vec<&str> {
        let fired = watches.iter().filter(|(watch, _)| watch.is_fired());
        fired.map(|&(_, what)| what).collect()
    };
    for (n, name) in ["l\u{10ffff}", "m\0", "m\u{1}", "maz", "mc", "n", ""]
        .iter()
        .enumerate()
    {
        let level = [7, 13, 29, -10, i64::MIN, 7, 13][n];
        let team = ["t", "tm\0", "tm\u{1}", "tn", "", "tma", "tl\u{10ffff}"][n];
        db.write(|tx| tx.insert(member(name, level, team))).unwrap();
        db.write(|tx| tx.update::<User>(name, |user| user.check += 1))
            .unwrap();
        if n % 2 == 0 {
            db.write(|tx| tx.remove::<User>(name)).unwrap();
        }
    }
    assert_eq!(fired(), [""; 0]);
    db.write(|tx| tx.insert(member("mb", 30, "x"))).unwrap();
    assert_eq!(fired(), ["miss", "prefix", "open range"]);
    db.write(|tx| tx.remove::<User>("m")).unwrap();
    assert_eq!(fired().len(), 7);
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
