//! Containers by id, whole and cut short.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::view::{Container, Refused, View, container, full};

/// What is saved is found by its id, and is as it was when it was saved, whatever its owner does to theirs; saved again it is replaced; deleted it is gone.
#[test]
fn a_container_is_saved_replaced_and_deleted() {
    let view = View::new();
    let mut mine = container("c0ffee");
    view.save(&mine).unwrap();
    mine.running = true;
    let picture = view.picture();
    assert!(!picture.get(&mine.id).unwrap().running);
    view.save(&mine).unwrap();
    assert!(view.picture().get(&mine.id).unwrap().running);
    assert!(!picture.get(&mine.id).unwrap().running);
    view.delete(&mine.id).unwrap();
    assert_eq!(
        view.picture().get(&mine.id),
        Err(Refused::NotFound(mine.id.clone()))
    );
    assert_eq!(view.picture().all(), []);
}

/// To delete what is not there is no error, and needs no more than the id.
#[test]
fn deleting_what_is_absent_is_no_error() {
    let view = View::new();
    view.delete(&full("a")).unwrap();
    view.save(&container("a")).unwrap();
    view.delete(&full("a")).unwrap();
    view.delete(&full("a")).unwrap();
    assert_eq!(view.picture().all(), []);
}

/// The beginning of an id finds the only one that has it; none, several and an empty one are told apart.
#[test]
fn an_id_may_be_cut_short() {
    let view = View::new();
    for beginning in ["99c53a", "99c53b", "7d1f"] {
        view.save(&container(beginning)).unwrap();
    }
    let picture = view.picture();
    let found = |prefix: &str| {
        picture
            .by_prefix(prefix)
            .map(|container| container.id.clone())
    };
    assert_eq!(found("7"), Ok(full("7d1f")));
    assert_eq!(found("99c53a"), Ok(full("99c53a")));
    assert_eq!(found(&full("99c53b")), Ok(full("99c53b")));
    assert_eq!(found("99c53"), Err(Refused::Ambiguous("99c53".to_owned())));
    assert_eq!(found("99c53c"), Err(Refused::NotFound("99c53c".to_owned())));
    assert_eq!(found(""), Err(Refused::Empty));
    let longer = full("7d1f") + "0";
    assert_eq!(found(&longer), Err(Refused::NotFound(longer.clone())));
    assert_eq!(
        found("99c53").unwrap_err().to_string(),
        "more than one container begins with 99c53"
    );
}

/// An id that is the beginning of another is ambiguous as a beginning, and is found by `get`, which takes whole ids only. Theirs says the same of the first, and ids of
/// one length cannot come to it.
#[test]
fn a_whole_id_is_found_though_another_begins_with_it() {
    let view = View::new();
    for id in ["abc", "abcdef"] {
        view.save(&Container {
            id: id.to_owned(),
            ..container("")
        })
        .unwrap();
    }
    let picture = view.picture();
    assert_eq!(
        picture.by_prefix("abc"),
        Err(Refused::Ambiguous("abc".to_owned()))
    );
    assert_eq!(picture.get("abc").unwrap().id, "abc");
    assert_eq!(picture.by_prefix("abcd").unwrap().id, "abcdef");
    assert!(picture.get("abcd").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Every beginning of every id is the only one, ambiguous or unknown just as a count over all ids says.
    #[test]
    fn beginnings_are_as_a_count_says(ids in btree_set("[0-2]{1,5}", 0..24), others in vec("[0-3]{1,6}", 0..8)) {
        let view = View::new();
        let ids: Vec<String> = ids.iter().map(|id| full(id)).collect();
        for id in &ids {
            view.save(&Container { id: id.clone(), ..container("") }).unwrap();
        }
        let picture = view.picture();
        let cut = ids.iter().flat_map(|id| (1..=id.len()).map(move |len| id[..len].to_owned()));
        for prefix in cut.chain(others.iter().cloned()) {
            let fits: std::collections::BTreeSet<&String> = ids.iter().filter(|id| id.starts_with(&prefix)).collect();
            let expected = match fits.len() {
                0 => Err(Refused::NotFound(prefix.clone())),
                1 => Ok((**fits.first().unwrap()).clone()),
                _ => Err(Refused::Ambiguous(prefix.clone())),
            };
            prop_assert_eq!(picture.by_prefix(&prefix).map(|container| container.id.clone()), expected);
        }
    }
}
