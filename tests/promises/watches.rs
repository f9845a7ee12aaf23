//! Who is woken and told: for what is committed, and for nothing beside it.

use sapwood::Change;
use sapwood::watch::Watch;

use super::fixture::{User, everything, of, strings, user};

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
/// statedb a removal that was told within a transaction could be aborted, and the real one afterwards was never told.
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
