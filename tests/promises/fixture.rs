//! A table with every kind of index that has gone wrong somewhere.

use std::panic::resume_unwind;

use sapwood::{Database, Error, Query, Row, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "users")]
#[table(index(by_team_role, with(team_roles) -> (String, String), each))]
#[table(index(by_checked, with(checked) -> i32))]
pub(crate) struct User {
    #[key]
    pub(crate) name: String,
    #[index(unique)]
    pub(crate) mail: String,
    #[index]
    pub(crate) level: i64,
    #[index(each)]
    pub(crate) teams: Vec<String>,
    #[index(each, unique)]
    pub(crate) badges: Vec<u16>,
    pub(crate) roles: Vec<String>,
    pub(crate) check: i32,
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

pub(crate) fn user(name: &str, level: i64) -> User {
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

pub(crate) fn strings(strings: &[&str]) -> Vec<String> {
    strings.iter().map(|&text| text.to_owned()).collect()
}

pub(crate) fn of<const N: usize>(users: [User; N]) -> Database {
    let db = Database::builder().table::<User>().in_memory().unwrap();
    db.write(|tx| {
        users
            .into_iter()
            .try_for_each(|user| tx.insert(user).map(drop))
    })
    .unwrap_or_else(|error: Error| panic!("{error}"));
    db
}

pub(crate) fn names<'a>(rows: impl Iterator<Item = &'a Row<User>>) -> Vec<&'a str> {
    rows.map(|row| row.name.as_str()).collect()
}

/// What each index of the table holds, in its order.
pub(crate) fn everything(db: &Database) -> Vec<Vec<User>> {
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
