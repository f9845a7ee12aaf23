//! Names: reserved for an id, refused to another, freed.

use std::collections::BTreeMap;
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;

use super::view::{Container, Name, Refused, View, container, full};

fn conflict(name: &str, container: &str) -> Result<(), Refused> {
    Err(Refused::Conflict {
        name: name.to_owned(),
        container: container.to_owned(),
    })
}

/// A name is reserved for one id: again for the same is no error and no change, for another a conflict that says whose it is.
#[test]
fn a_name_is_reserved_for_one_container() {
    let view = View::new();
    view.reserve("name1", "id1").unwrap();
    let revision = view.db.revision();
    view.reserve("name1", "id1").unwrap();
    assert_eq!(view.db.revision(), revision);
    assert_eq!(view.reserve("name1", "id2"), conflict("name1", "id1"));
    assert_eq!(view.db.revision(), revision);
    assert_eq!(view.picture().id_of("name1"), Ok("id1"));
}

/// A name that is released is free for another id; to release what is not reserved is no error; a name that nobody has is not found.
#[test]
fn a_released_name_is_free() {
    let view = View::new();
    view.release("name1").unwrap();
    view.reserve("name1", "id1").unwrap();
    view.release("name1").unwrap();
    assert_eq!(
        view.picture().id_of("name1"),
        Err(Refused::NotFound("name1".to_owned()))
    );
    view.reserve("name1", "id2").unwrap();
    assert_eq!(view.picture().id_of("name1"), Ok("id2"));
}

/// The names of an id are found by it, in order; of an id without any there are none; they need no container.
#[test]
fn the_names_of_a_container() {
    let view = View::new();
    for (name, id) in [("b", "id1"), ("a", "id1"), ("c", "id2"), ("d", "id10")] {
        view.reserve(name, id).unwrap();
    }
    let picture = view.picture();
    assert_eq!(picture.names_of("id1"), ["a", "b"]);
    assert_eq!(picture.names_of("id2"), ["c"]);
    assert_eq!(picture.names_of("id"), [] as [&str; 0]);
    view.release("a").unwrap();
    assert_eq!(view.picture().names_of("id1"), ["b"]);
    assert_eq!(picture.names_of("id1"), ["a", "b"]);
}

/// All names come in groups, one for each id, in order of ids and names.
#[test]
fn all_names_come_in_groups() {
    let view = View::new();
    for (name, id) in [
        ("x", "id2"),
        ("a", "id10"),
        ("z", "id1"),
        ("b", "id2"),
        ("m", "id2"),
    ] {
        view.reserve(name, id).unwrap();
    }
    let picture = view.picture();
    assert_eq!(
        picture.all_names(),
        [
            ("id1", vec!["z"]),
            ("id10", vec!["a"]),
            ("id2", vec!["b", "m", "x"])
        ]
    );
}

/// A container goes with all its names, at once, and nobody sees one without the other; the names of others stay. So do names go whose container was never there.
#[test]
fn a_container_goes_with_its_names() {
    let view = View::new();
    let (one, two) = (container("1"), container("2"));
    for container in [&one, &two] {
        view.save(container).unwrap();
        view.reserve(&format!("{}-name", &container.id[..1]), &container.id)
            .unwrap();
        view.reserve(&format!("{}-alias", &container.id[..1]), &container.id)
            .unwrap();
    }
    let before = view.picture();
    view.delete(&one.id).unwrap();
    let after = view.picture();
    assert_eq!(before.names_of(&one.id).len(), 2);
    assert_eq!(after.names_of(&one.id), [] as [&str; 0]);
    assert_eq!(after.names_of(&two.id), ["2-alias", "2-name"]);
    view.reserve("1-name", &two.id).unwrap();
    view.reserve("lonely", "gone").unwrap();
    view.delete("gone").unwrap();
    assert!(view.picture().id_of("lonely").is_err());
}

/// Of many threads that want one name, each for its own id, one gets it, and all others learn whose it is.
#[test]
fn one_of_many_gets_a_name() {
    let view = View::new();
    let tries: Vec<_> = (0..8)
        .map(|n| {
            let view = view.clone();
            thread::spawn(move || view.reserve("name", &full(&n.to_string())))
        })
        .collect();
    let results: Vec<_> = tries.into_iter().map(|one| one.join().unwrap()).collect();
    let picture = view.picture();
    let holder = picture.id_of("name").unwrap();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results.into_iter().filter(Result::is_err) {
        assert_eq!(result, conflict("name", holder));
    }
}

/// A container is created with its name or not at all: both in one transaction, of which a taken name leaves nothing. Theirs keep containers and names in step by hand.
#[test]
fn a_container_is_created_with_its_name_or_not_at_all() {
    let view = View::new();
    let create = |container: &Container, name: &str| {
        view.db.write(|tx| {
            tx.insert(container.clone())?;
            let name = Name {
                name: name.to_owned(),
                container: container.id.clone(),
            };
            tx.insert(name).map(drop)
        })
    };
    create(&container("1"), "web").unwrap();
    let taken = create(&container("2"), "web").unwrap_err();
    assert!(
        taken.to_string().contains("names") && taken.to_string().contains("web"),
        "{taken}"
    );
    let picture = view.picture();
    assert_eq!(picture.all().len(), 1);
    assert!(picture.get(&full("2")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Names reserved, released and deleted with their containers, in any order: the view answers as a map of names does.
    #[test]
    fn names_are_as_a_map_says(steps in vec((0..4_u8, "[a-d]", "[1-3]"), 0..40)) {
        let view = View::new();
        let mut model: BTreeMap<String, String> = BTreeMap::new();
        for (what, name, id) in steps {
            match what {
                0 | 1 => {
                    let expected = match model.get(&name) {
                        Some(other) if *other != id => conflict(&name, other),
                        _ => Ok(()),
                    };
                    if expected.is_ok() {
                        model.insert(name.clone(), id.clone());
                    }
                    prop_assert_eq!(view.reserve(&name, &id), expected);
                }
                2 => {
                    model.remove(&name);
                    view.release(&name).unwrap();
                }
                _ => {
                    model.retain(|_, other| *other != id);
                    view.delete(&id).unwrap();
                }
            }
            let picture = view.picture();
            for (name, id) in &model {
                prop_assert_eq!(picture.id_of(name), Ok(id.as_str()));
            }
            let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (name, id) in &model {
                groups.entry(id).or_default().push(name);
            }
            for (id, names) in &groups {
                prop_assert_eq!(&picture.names_of(id), names);
            }
            prop_assert_eq!(picture.all_names(), groups.into_iter().collect::<Vec<_>>());
        }
    }
}
