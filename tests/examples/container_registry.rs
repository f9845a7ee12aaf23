//! The registry answers as Docker does.

use std::fs;

use serde_json::Value;

use crate::program::{example, json, refuses, success};

/// The answers to these commands.
fn answers(commands: &str) -> Vec<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), commands).unwrap();
    let told = json("container_registry", &[file.path().to_str().unwrap()]);
    let told = told.as_array().unwrap();
    assert!(
        told.iter()
            .map(|told| told["command"].as_str().unwrap())
            .eq(commands.lines())
    );
    let answers = told.iter().map(|told| {
        assert!(
            told["answer"].is_null() != told["error"].is_null(),
            "{told}"
        );
        if told["error"].is_null() {
            told["answer"].clone()
        } else {
            told["error"].clone()
        }
    });
    answers.collect()
}

/// The names of each listed container, in the order of the list.
fn names(list: &Value) -> Vec<Vec<&str>> {
    let list = list.as_array().unwrap().iter();
    list.map(|container| {
        let names = container["names"].as_array().unwrap().iter();
        names.map(|name| name.as_str().unwrap()).collect()
    })
    .collect()
}

/// Every beginning of every id finds nothing, the one container that it is of, or is said to be of several: as a look at all ids says.
#[test]
fn beginnings_of_ids_are_found_if_unique() {
    let creates = (0..40).map(|number| format!("create image c{number}"));
    let creates = creates.collect::<Vec<_>>().join("\n");
    let ids = answers(&creates);
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str().unwrap()).collect();
    assert!(ids.iter().all(|id| id.len() == 64));
    let mut beginnings: Vec<String> = ids
        .iter()
        .flat_map(|id| [1, 2, 3, 12, 63, 64].map(|len| id[..len].to_owned()))
        .collect();
    beginnings.push("x".to_owned());
    beginnings.push(format!("{}0", ids[0]));
    let inspects = beginnings
        .iter()
        .map(|beginning| format!("inspect {beginning}"));
    let inspects = inspects.collect::<Vec<_>>().join("\n");

    let answers = answers(&format!("{creates}\n{inspects}"));
    let (mut one, mut many) = (0, 0);
    for (beginning, answer) in beginnings.iter().zip(&answers[40..]) {
        let meant: Vec<_> = ids.iter().filter(|id| id.starts_with(beginning)).collect();
        match meant[..] {
            [] => assert_eq!(answer, &format!("no such container: {beginning}")),
            [id] => {
                assert_eq!(answer[0]["id"], *id);
                one += 1;
            }
            _ => {
                assert_eq!(answer, &format!("multiple ids begin with {beginning}"));
                many += 1;
            }
        }
    }
    assert!(one > 0 && many > 0);
}

/// Names are given to one container, whole transactions long: what is refused leaves nothing behind, what is removed or renamed is free.
#[test]
fn names_are_reserved_and_released() {
    let script = "create a web front\ncreate b api web\nps\nname web web\nname front side\ncreate c db\nrename db web\n\
                  inspect db\nrename db api\ninspect db\ninspect api\nrelease front\nname api front\nrm side\ncreate d web\nps";
    let answers = answers(script);
    let web = answers[0].as_str().unwrap();
    let taken = format!("the name web is in use by container {}", &web[..12]);
    assert_eq!(answers[1], *taken);
    assert_eq!(names(&answers[2]), [["front", "web"]], "nothing of b");
    // To have it already is no conflict.
    assert_eq!(answers[3], *format!("web is {}", &web[..12]));
    assert_eq!(answers[6], *taken);
    assert_eq!(names(&answers[7]), [["db"]]);
    assert_eq!(answers[9], "no such container: db");
    assert_eq!(names(&answers[10]), [["api"]]);
    assert_eq!(
        answers[13],
        *format!("{} is gone, names freed: 2", &web[..12])
    );
    assert_eq!(
        names(answers.last().unwrap()),
        [vec!["web"], vec!["api", "front"]]
    );
}

/// A view shows what it showed, and another one what there was later.
#[test]
fn views_stay_as_they_are() {
    let answers = answers(
        "create a one\nview early\nrename one two\nview late\nrm two\ncreate b one\nps early\nps late\nps\nps never",
    );
    assert_eq!(names(&answers[6]), [["one"]]);
    assert_eq!(names(&answers[7]), [["two"]]);
    assert_eq!(names(&answers[8]), [["one"]]);
    assert_eq!(answers[6][0]["id"], answers[7][0]["id"]);
    assert_ne!(answers[6][0]["id"], answers[8][0]["id"]);
    assert_eq!(answers[9], "no such view: never");
}

/// The tour for people has each of the three answers to the beginning of an id.
#[test]
fn the_tour_shows_all_answers() {
    let text = success(&example::<&str>("container_registry", &[]).output().unwrap());
    for expected in [
        "multiple ids begin with 7",
        "no such container: xyz",
        "postgres",
        "the name web is in use",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

/// A mistake is told in one line, before anything is done.
#[test]
fn mistakes_are_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    for (commands, problem) in [
        (
            "create a b\nstart b\n",
            "line 2: \"start b\" is not a command",
        ),
        ("create a\n", "line 1: \"create a\" is not a command"),
        ("\ncreate a b/c\n", "line 2: \"b/c\" is not a name"),
    ] {
        fs::write(path, commands).unwrap();
        refuses("container_registry", &[path], &format!("{path}, {problem}"));
    }
    refuses("container_registry", &["no-such-file"], "no-such-file: ");
    refuses(
        "container_registry",
        &["--frob"],
        "unexpected argument '--frob' found",
    );
}
