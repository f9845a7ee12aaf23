//! What the tracing of types finds out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Fit, Shape, trace};

#[track_caller]
fn shape<T: DeserializeOwned>() -> Shape {
    match trace::<T>() {
        Ok(traced) => traced.shape,
        Err(untraceable) => panic!("`{}` is not known", untraceable.field),
    }
}

#[track_caller]
fn says<T: DeserializeOwned>(text: &str) {
    assert_eq!(shape::<T>().to_string(), text);
}

#[derive(Serialize, Deserialize)]
enum Step {
    Then(Box<Step>),
    Wait {
        until: Option<i64>,
        unless: Box<Option<Step>>,
    },
    Run(String, u8),
    Idle,
}

/// Structs, enums, what is in them, and types that hold themselves are found, each once.
#[test]
fn all_kinds_of_types() {
    #[derive(Serialize, Deserialize)]
    struct Id(u64);
    #[derive(Serialize, Deserialize)]
    struct Pair(u8, String);
    #[derive(Serialize, Deserialize)]
    struct Unit;
    #[derive(Serialize, Deserialize)]
    struct Row {
        id: Id,
        pair: Pair,
        unit: Unit,
        step: Step,
        map: BTreeMap<String, (i32, char)>,
        set: BTreeSet<u16>,
        digest: [u8; 4],
        floats: (f32, f64),
        wide: (i128, u128, bool),
        next: Option<Box<Row>>,
        others: Vec<Row>,
        steps: Vec<Step>,
        nothing: (),
    }
    says::<Row>(
        "struct Row { id: u64, pair: (u8, String), unit: (), step: Step, map: Map<String, (i32, char)>, set: Vec<u16>, \
         digest: [u8; 4], floats: (f32, f64), wide: (i128, u128, bool), next: Option<Row>, others: Vec<Row>, steps: Vec<Step>, nothing: () }\n\
         enum Step { Then(Step), Wait { until: Option<i64>, unless: Option<Step> }, Run(String, u8), Idle }",
    );
    assert!(shape::<Row>().is_whole());
}

/// Types that do not take every value are no hindrance, wherever they stand, nor are types whose names are the same.
#[test]
fn types_that_are_particular() {
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Day(#[allow(dead_code)] String);
    impl TryFrom<String> for Day {
        type Error = &'static str;
        fn try_from(text: String) -> Result<Self, Self::Error> {
            if text == "Mon" {
                Ok(Self(text))
            } else {
                Err("not a day")
            }
        }
    }
    /// Takes no value that anybody would think of.
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Secret(#[allow(dead_code)] u8);
    impl TryFrom<String> for Secret {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            Err(format!("{text} is not the word"))
        }
    }
    struct Panics;
    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            assert!(u8::deserialize(from)? > 1, "too small");
            Ok(Self)
        }
    }
    mod other {
        #[derive(serde::Deserialize)]
        pub(super) struct Spec {
            #[allow(dead_code)]
            pub(super) size: u8,
        }
    }
    #[derive(Deserialize)]
    struct Spec<T> {
        #[allow(dead_code)]
        size: T,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Row {
        secret: Secret,
        count: NonZeroU64,
        days: (Day, Day, u8),
        address: IpAddr,
        time: Duration,
        secrets: Vec<Secret>,
        by_secret: BTreeMap<u8, Secret>,
        panics: (Panics, String),
        narrow: Spec<u32>,
        wide: Spec<u64>,
        other: other::Spec,
        last: u8,
    }
    says::<Row>(
        "struct Row { secret: String, count: u64, days: (String, String, u8), address: IpAddr, time: Duration, secrets: Vec<String>, \
         by_secret: Map<u8, String>, panics: (u8, String), narrow: Spec, wide: Spec, other: Spec, last: u8 }\n\
         enum IpAddr { V4([u8; 4]), V6([u8; 16]) }\n\
         struct Duration { secs: u64, nanos: u32 }\n\
         struct Spec { size: u32 }\n\
         struct Spec { size: u64 }\n\
         struct Spec { size: u8 }",
    );
    assert!(shape::<Row>().is_whole());

    // Behind what is never made, nothing is known, and only there.
    says::<(u8, Secret, u8)>("");
    let tuple = shape::<(u8, Secret, u8)>();
    assert_eq!(tuple.text(Shape::ROW), "(u8, String, ?)");
    assert!(!tuple.is_whole());
}

/// serde's attributes are seen as they act: fields that are left out, other names, aliases.
#[test]
fn attributes() {
    #[derive(Deserialize)]
    #[serde(rename = "Pod", rename_all = "kebab-case")]
    #[allow(dead_code)]
    struct Row {
        #[serde(skip)]
        cache: u8,
        #[serde(alias = "a-host", alias = "z-host")]
        node_name: String,
        #[serde(default)]
        phase: Phase,
    }
    #[derive(Default, Deserialize)]
    enum Phase {
        #[default]
        #[serde(alias = "Waiting")]
        Pending,
        #[serde(rename = "live")]
        Running,
        #[serde(other)]
        Unknown,
    }
    says::<Row>(
        "struct Pod { node-name: String, phase: Phase }\nenum Phase { Pending, live, Unknown }",
    );
    let fields = shape::<Row>();
    let names: Vec<&str> = fields.fields()[0].names.iter().collect();
    assert_eq!(names, ["node-name", "a-host", "z-host"]);
}

/// What needs a format that describes itself is told by the field that does.
#[test]
fn what_wants_to_be_told() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code)]
    enum Any {
        Number(u8),
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Row<T> {
        id: u8,
        spec: Vec<T>,
    }
    let field = |traced: Result<_, super::Untraceable>| {
        traced.map(|_: super::Traced| ()).unwrap_err().field
    };
    assert_eq!(field(trace::<Row<Any>>()), "spec");
    assert_eq!(field(trace::<Row<Flat>>()), "spec");
}

/// Which structs can be read from which bytes.
#[test]
fn fits() {
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Phase {
        Pending,
        Running(u8),
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum More {
        Pending,
        Running(u8),
        Done,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Pod<P> {
        id: u64,
        phase: P,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Renamed {
        #[serde(alias = "id")]
        key: u64,
        phase: Phase,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Turned {
        phase: u64,
        id: u64,
    }
    let fit = |stored: &Shape, declared: &Shape| Fit::of(stored, declared);
    let (pod, more) = (shape::<Pod<Phase>>(), shape::<Pod<More>>());
    assert_eq!(fit(&pod, &more), Fit::Bytes, "variants may come at the end");
    assert_eq!(fit(&more, &pod), Fit::Names);
    assert_eq!(fit(&pod, &shape::<Renamed>()), Fit::Bytes);
    assert_eq!(fit(&shape::<Renamed>(), &pod), Fit::Bytes);
    // The same bytes, and other fields.
    assert_eq!(fit(&shape::<Pod<u64>>(), &shape::<Turned>()), Fit::Names);
    assert_eq!(fit(&shape::<Step>(), &shape::<Step>()), Fit::Bytes);
}
