//! The smallest network that holds an address decides, and who follows an address hears of nothing else.

use std::{collections::BTreeMap, fs, net::IpAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::program::{self, example, refuses, success};

/// The answers to these commands, and the news after each.
fn answers(commands: &[String]) -> Vec<(Value, Vec<String>)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), commands.join("\n")).unwrap();
    let told = program::json("routing_table", &[file.path().to_str().unwrap()]);
    let told = told.as_array().unwrap();
    assert!(told.iter().map(|told| &told["command"]).eq(commands));
    let answers = told.iter().map(|told| {
        let news = told["news"].as_array().unwrap().iter();
        let news = news.map(|news| news.as_str().unwrap().to_owned());
        (told["answer"].clone(), news.collect())
    });
    answers.collect()
}

/// The gateway of each network, and the number of the command that wrote it: a model that looks at all of them.
#[derive(Default)]
struct Model(BTreeMap<IpNet, (String, usize)>);

impl Model {
    /// All routes of an address, the best one first.
    fn routes(&self, address: IpAddr) -> Vec<(&IpNet, &(String, usize))> {
        let mut routes: Vec<_> = self
            .0
            .iter()
            .filter(|(net, _)| net.contains(&address))
            .collect();
        routes.sort_by_key(|(net, _)| std::cmp::Reverse(net.prefix_len()));
        routes
    }

    fn lookup(&self, address: IpAddr) -> String {
        match self.routes(address).first() {
            Some((net, (via, _))) => format!("{address} goes via {via}, by {net}"),
            None => format!("{address} has no route"),
        }
    }
}

/// Addresses that have much in common, so that many networks hold them.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0..4u8, 0..4u8).prop_map(|(a, b)| IpAddr::from([10, 0, a << 6, b])),
        (0..4u16).prop_map(|a| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, a])),
    ]
}

fn network() -> impl Strategy<Value = IpNet> {
    (address(), 0..=128u8).prop_map(|(address, len)| match address {
        IpAddr::V4(address) => Ipv4Net::new(address, len % 33).unwrap().trunc().into(),
        IpAddr::V6(address) => Ipv6Net::new(address, len).unwrap().trunc().into(),
    })
}

#[derive(Clone, Debug)]
enum Step {
    Route(IpNet),
    Drop(IpNet),
    Lookup(IpAddr),
    Trace(IpAddr),
    Within(IpNet),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => network().prop_map(Step::Route),
        2 => network().prop_map(Step::Drop),
        1 => address().prop_map(Step::Lookup),
        1 => address().prop_map(Step::Trace),
        1 => network().prop_map(Step::Within),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every answer is that of a look at all networks, and news come when, and only when, the best route of a followed address was written or is another one.
    #[test]
    fn answers_are_those_of_a_look_at_all_networks(
        followed in prop::collection::btree_set(address(), 3),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let follow = followed.iter().map(|address| format!("follow {address}"));
        let commands = steps.iter().enumerate().map(|(number, step)| match step {
            Step::Route(net) => format!("route {net} gateway-{number}"),
            Step::Drop(net) => format!("drop {net}"),
            Step::Lookup(address) => format!("lookup {address}"),
            Step::Trace(address) => format!("trace {address}"),
            Step::Within(net) => format!("within {net}"),
        });
        let answers = answers(&follow.chain(commands).collect::<Vec<_>>());
        let mut model = Model::default();
        for (number, (step, (answer, news))) in steps.iter().zip(&answers[3..]).enumerate() {
            let best = |model: &Model, address: &IpAddr| {
                model.routes(*address).first().map(|(net, (_, number))| (**net, *number))
            };
            let before: Vec<_> = followed.iter().map(|address| best(&model, address)).collect();
            let listed = |routes: Vec<(&IpNet, &(String, usize))>| {
                let routes = routes.into_iter();
                let routes = routes.map(|(net, (via, _))| json!({ "net": net, "via": via }));
                routes.collect::<Value>()
            };
            match step {
                Step::Route(net) => drop(model.0.insert(*net, (format!("gateway-{number}"), number))),
                Step::Drop(net) => drop(model.0.remove(net)),
                Step::Lookup(address) => prop_assert_eq!(answer, &model.lookup(*address)),
                Step::Trace(address) => prop_assert_eq!(answer, &listed(model.routes(*address))),
                Step::Within(outer) => {
                    let within = model.0.iter().filter(|(net, _)| outer.contains(*net));
                    prop_assert_eq!(answer, &listed(within.collect()));
                }
            }
            let changed = followed.iter().zip(before).filter(|(address, before)| best(&model, address) != *before);
            let expected: Vec<_> = changed.map(|(address, _)| model.lookup(*address)).collect();
            prop_assert_eq!(news, &expected, "{:?}", step);
        }
    }
}

/// Policies are of one service: its smallest network decides, and nothing that was allowed to another one.
#[test]
fn policies_are_of_one_service() {
    let commands = [
        "policy web 10.0.0.0/8 deny",
        "policy web 10.1.0.0/16 allow",
        "policy web-2 0.0.0.0/0 allow",
        "policy web 10.1.0.0/16 allow",
        "verdict web 10.1.2.3",
        "verdict web 10.2.2.3",
        "verdict web 11.0.0.0",
        "verdict web ::",
        "verdict web-2 10.2.2.3",
        "verdict we 10.2.2.3",
    ];
    let answers = answers(&commands.map(str::to_owned));
    let answers: Vec<_> = answers
        .iter()
        .map(|(answer, _)| answer.as_str().unwrap())
        .collect();
    let expected = [
        "before: none",
        "before: none",
        "before: none",
        "before: allow",
        "allow, by 10.1.0.0/16",
        "deny, by 10.0.0.0/8",
        "deny, by default",
        "deny, by default",
        "allow, by 0.0.0.0/0",
        "deny, by default",
    ];
    assert_eq!(answers, expected);
}

/// The tour tells who follows an address of each change of its route.
#[test]
fn the_tour_tells_news() {
    let text = success(&example::<&str>("routing_table", &[]).output().unwrap());
    let news: Vec<_> = text.lines().filter(|line| line.starts_with('!')).collect();
    let expected = [
        "! 10.1.2.3 goes via rack-7, by 10.1.2.0/24",
        "! 10.1.2.3 goes via east, by 10.1.0.0/16",
    ];
    assert_eq!(news, expected, "{text}");
}

/// A mistake is told in one line, before anything is done.
#[test]
fn mistakes_are_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    for (line, problem) in [
        ("route 10.0.0.0/8", "\"route 10.0.0.0/8\" is not a command"),
        ("route 10.0.0.0/33 core", "\"10.0.0.0/33\" is not a network"),
        (
            "route 10.1.2.3/8 core",
            "\"10.1.2.3/8\" has bits behind its length; 10.0.0.0/8 has not",
        ),
        ("lookup 10.0.0", "\"10.0.0\" is not an address"),
        (
            "policy web ::/0 perhaps",
            "\"policy web ::/0 perhaps\" is not a command",
        ),
    ] {
        fs::write(path, format!("route 0.0.0.0/0 core\n\n{line}\n")).unwrap();
        refuses(
            "routing_table",
            &[path],
            &format!("{path}, line 3: {problem}"),
        );
    }
    refuses("routing_table", &["no-such-file"], "no-such-file: ");
    refuses(
        "routing_table",
        &["--frob"],
        "unexpected argument '--frob' found",
    );
}
