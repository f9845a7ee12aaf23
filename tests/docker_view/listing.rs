//! Listings by the verbs that are made for them.

use std::collections::BTreeMap;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::view::{Container, Name, Shown, View, container, full};

/// The groups of the index by container say how many names each container has, without a look at the names.
#[test]
fn groups_say_how_many_names_each_has() {
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
    let groups: Vec<(String, usize)> = picture
        .0
        .groups(Name::BY_CONTAINER.group_by_key())
        .collect();
    let counted: Vec<(String, usize)> = picture
        .all_names()
        .into_iter()
        .map(|(id, names)| (id.to_owned(), names.len()))
        .collect();
    assert_eq!(groups, counted);
    assert_eq!(groups[2], ("id2".to_owned(), 3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Containers joined with their names, those without any too, are the listing; the other way round it is the names that have a container.
    #[test]
    fn a_join_is_the_listing(ids in btree_set("[0-3]", 0..4), names in vec(("[a-f]", "[0-4]"), 0..8)) {
        let view = View::new();
        for id in &ids {
            view.save(&container(id)).unwrap();
        }
        for (name, id) in &names {
            // Whoever comes second is refused.
            let _ = view.reserve(name, &full(id));
        }
        let picture = view.picture();
        let mut joined: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (container, name) in picture.0.left_join(Container::ALL, Name::BY_CONTAINER, |container| Some(&container.id)) {
            joined.entry(container.id.clone()).or_default().extend(name.map(|name| name.name.clone()));
        }
        let listed: BTreeMap<String, Vec<String>> =
            picture.all().into_iter().map(|Shown { id, names, .. }| (id, names)).collect();
        prop_assert_eq!(joined, listed);
        let owned = picture.0.join(Name::ALL, Container::BY_ID, |name| Some(&name.container));
        for (name, container) in owned {
            prop_assert_eq!(&name.container, &container.id);
            prop_assert!(ids.iter().any(|id| full(id) == container.id));
        }
    }
}
