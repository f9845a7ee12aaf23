//! What a query finds: its rows, all of them, in order, and nothing else.

use sapwood::Query;

use super::fixture::{User, everything, names, of, strings, user};

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
    for team in &teams {
        for role in &roles {
            let pair = (team.as_str(), role.as_str());
            assert_eq!(snapshot.count(User::BY_TEAM_ROLE.eq(pair)), 1, "{pair:?}");
        }
        assert!(snapshot.contains(User::BY_TEAM_ROLE.prefix(team.as_str())));
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
