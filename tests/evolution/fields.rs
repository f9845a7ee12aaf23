//! Changes that serde's own rules make.

use std::collections::{BTreeMap, HashMap};

use sapwood::{Error, Query, Revision, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{File, revisions, rows};
use super::past::{self, Limits, Phase, Spec};

/// A version of the pods with other fields. Rows are as `expected` makes them of the old ones, keep their revisions and their index, are written as such, and
/// are there again when the file is opened next.
fn becomes<T>(all: Query<T>, expected: impl Fn(past::Pod) -> T, again: impl Fn(&mut T))
where
    T: Table + Clone + PartialEq + std::fmt::Debug,
    T: Table<Key = u64>,
{
    let file = File::golden();
    let old = file.open_with::<past::Pod>();
    let before = (old.revision(), revisions(&old, past::Pod::ALL));
    old.close().unwrap();

    let expected: Vec<T> = past::pods().into_iter().map(expected).collect();
    let db = file.open_with::<T>();
    assert_eq!(rows(&db, all.clone()), expected);
    assert_eq!((db.revision(), revisions(&db, all.clone())), before);
    // Without a commit, too, the file has the new shape.
    db.close().unwrap();
    let db = file.open_with::<T>();
    assert_eq!(rows(&db, all.clone()), expected);
    db.write(|tx| tx.update::<T>(2, |row| again(row)))
        .unwrap_or_else(|error: Error| panic!("{error}"));
    drop(db);
    let db = file.open_with::<T>();
    let mut expected = expected;
    again(&mut expected[1]);
    assert_eq!(rows(&db, all.clone()), expected);
    assert_eq!(db.revision(), Revision::new(before.0.get() + 1));
    // It is another table now, for the old struct as well as for others.
    db.close().unwrap();
}

/// A field that is added gets its default, and an option needs none.
#[test]
fn field_added() {
    fn nine() -> u8 {
        9
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    struct Pod {
        #[serde(default = "nine")]
        priority: u8,
        #[key]
        id: u64,
        #[index]
        node: Option<String>,
        cpu: u32,
        #[serde(default)]
        annotations: BTreeMap<String, String>,
        labels: BTreeMap<String, String>,
        phase: Phase,
        spec: Spec,
        note: String,
        zone: Option<String>,
    }
    let expected = |pod: past::Pod| Pod {
        priority: 9,
        id: pod.id,
        node: pod.node,
        cpu: pod.cpu,
        annotations: BTreeMap::new(),
        labels: pod.labels,
        phase: pod.phase,
        spec: pod.spec,
        note: pod.note,
        zone: None,
    };
    becomes(Pod::ALL, expected, |pod| pod.zone = Some("east".to_owned()));
}

/// Fields that are removed are gone.
#[test]
fn field_removed() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    struct Pod {
        #[key]
        id: u64,
        cpu: u32,
        note: String,
    }
    let expected = |pod: past::Pod| Pod {
        id: pod.id,
        cpu: pod.cpu,
        note: pod.note,
    };
    becomes(Pod::ALL, expected, |pod| pod.cpu = 7);
}

/// A field that is renamed is found by its alias; a new name in the file alone is none.
#[test]
fn field_renamed() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    struct Pod {
        #[key]
        #[serde(alias = "id")]
        number: u64,
        #[serde(alias = "node", alias = "machine")]
        host: Option<String>,
        cpu: u32,
        #[serde(rename = "labels")]
        tags: BTreeMap<String, String>,
        phase: Phase,
        spec: Spec,
        note: String,
    }
    let expected = |pod: past::Pod| Pod {
        number: pod.id,
        host: pod.node,
        cpu: pod.cpu,
        tags: pod.labels,
        phase: pod.phase,
        spec: pod.spec,
        note: pod.note,
    };
    becomes(Pod::ALL, expected, |pod| pod.host = None);
}

/// A name that a field had for one version only is known to the next, though no row had to be written for it.
#[test]
fn field_renamed_twice() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "jobs")]
    struct Second {
        #[key]
        name: String,
        #[serde(alias = "owner")]
        user: String,
        slot: u16,
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "jobs")]
    struct Third {
        #[key]
        name: String,
        slot: u16,
        #[serde(alias = "user")]
        account: String,
    }
    let file = File::golden();
    file.open_with::<Second>().close().unwrap();
    let db = file.open_with::<Third>();
    let accounts: Vec<String> = rows(&db, Third::ALL)
        .into_iter()
        .map(|job| job.account)
        .collect();
    assert_eq!(accounts, ["ann", "bob", "cleo"]);
}

/// The order of fields does not matter, also where types are the same.
#[test]
fn fields_reordered() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    struct Pod {
        note: String,
        spec: Spec,
        phase: Phase,
        labels: BTreeMap<String, String>,
        cpu: u32,
        #[index]
        node: Option<String>,
        #[key]
        id: u64,
    }
    let expected = |pod: past::Pod| Pod {
        note: pod.note,
        spec: pod.spec,
        phase: pod.phase,
        labels: pod.labels,
        cpu: pod.cpu,
        node: pod.node,
        id: pod.id,
    };
    becomes(Pod::ALL, expected, |pod| pod.note = "other".to_owned());

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "jobs")]
    struct Job {
        slot: u16,
        owner: String,
        #[key]
        name: String,
    }
    let db = File::golden().open_with::<Job>();
    let expected = past::jobs().into_iter().map(|job| Job {
        slot: job.slot,
        owner: job.owner,
        name: job.name,
    });
    assert!(rows(&db, Job::ALL).into_iter().eq(expected));
}

/// Numbers go where their values fit: into wider ones, and a plain field into an option, a box or a newtype.
#[test]
fn integer_widened_and_option_made() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Nested(String);
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    struct Pod {
        #[key]
        id: u64,
        node: Option<Nested>,
        cpu: u64,
        labels: HashMap<String, String>,
        phase: Option<Phase>,
        spec: Box<Spec>,
        note: Option<String>,
    }
    let expected = |pod: past::Pod| Pod {
        id: pod.id,
        node: pod.node.map(Nested),
        cpu: pod.cpu.into(),
        labels: pod.labels.into_iter().collect(),
        phase: Some(pod.phase),
        spec: Box::new(pod.spec),
        note: Some(pod.note),
    };
    becomes(Pod::ALL, expected, |pod| pod.cpu = 1 << 40);
}

/// Variants come and move, and get fields and names.
#[test]
fn enum_changed() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum NewPhase {
        Unknown,
        #[serde(alias = "Failed")]
        Lost(String, i64),
        Pending {
            #[serde(default)]
            since: u64,
        },
        Running {
            since: u128,
            #[serde(default)]
            ready: bool,
        },
        Done,
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    struct Pod {
        #[key]
        id: u64,
        phase: NewPhase,
    }
    let expected = |pod: past::Pod| Pod {
        id: pod.id,
        phase: match pod.phase {
            Phase::Pending => NewPhase::Pending { since: 0 },
            Phase::Running { since } => NewPhase::Running {
                since: since.into(),
                ready: false,
            },
            Phase::Failed(reason, code) => NewPhase::Lost(reason, code.into()),
        },
    };
    becomes(Pod::ALL, expected, |pod| pod.phase = NewPhase::Done);
}

/// A variant at the end is no reason to write rows anew, and can be used at once.
#[test]
fn variant_added_at_the_end() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum More {
        Pending,
        Running { since: u64 },
        Failed(String, u8),
        Done(Box<Option<More>>),
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    struct Pod {
        #[key]
        id: u64,
        node: Option<String>,
        cpu: u32,
        labels: BTreeMap<String, String>,
        phase: More,
        spec: Spec,
        note: String,
    }
    let expected = |pod: past::Pod| Pod {
        id: pod.id,
        node: pod.node,
        cpu: pod.cpu,
        labels: pod.labels,
        phase: match pod.phase {
            Phase::Pending => More::Pending,
            Phase::Running { since } => More::Running { since },
            Phase::Failed(reason, code) => More::Failed(reason, code),
        },
        spec: pod.spec,
        note: pod.note,
    };
    becomes(Pod::ALL, expected, |pod| {
        pod.phase = More::Done(Box::new(Some(More::Pending)));
    });
}

/// Structs in structs change as the row does, however deep.
#[test]
fn nested_struct_changed() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct NewLimits {
        memory: i128,
        #[serde(default)]
        swap: Option<i64>,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct NewSpec {
        #[serde(alias = "limits")]
        bounds: Option<NewLimits>,
        image: String,
        ports: Vec<u32>,
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    struct Pod {
        #[key]
        id: u64,
        #[index]
        node: Option<String>,
        cpu: u32,
        labels: BTreeMap<String, String>,
        phase: Phase,
        spec: NewSpec,
        note: String,
    }
    let bounds = |limits: Limits| NewLimits {
        memory: limits.memory.into(),
        swap: None,
    };
    let expected = |pod: past::Pod| Pod {
        id: pod.id,
        node: pod.node,
        cpu: pod.cpu,
        labels: pod.labels,
        phase: pod.phase,
        spec: NewSpec {
            bounds: pod.spec.limits.map(bounds),
            image: pod.spec.image,
            ports: pod.spec.ports.into_iter().map(u32::from).collect(),
        },
        note: pod.note,
    };
    becomes(Pod::ALL, expected, |pod| pod.spec.ports.clear());
}
