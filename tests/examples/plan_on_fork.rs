//! Plans are made on forks, the best one is committed, and none on a world that has moved.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::program::{example, json, refuses, success};

/// That each job is placed by the best of its plans, or was blocked where no plan had room; and that nodes hold what they can. Gives the attempts.
fn check(outcome: &Value) -> u64 {
    let (mut tasks, mut attempts) = (0, 0);
    for job in outcome["jobs"].as_array().unwrap() {
        let plans = job["plans"].as_array().unwrap();
        assert_eq!(plans.len(), 3);
        let best = plans.iter().filter_map(|plan| plan["score"].as_u64()).max();
        match best {
            None => assert_eq!(job["state"], "Blocked"),
            Some(best) => {
                let taken = plans
                    .iter()
                    .find(|plan| plan["strategy"] == job["state"]["Placed"]);
                assert_eq!(taken.unwrap()["score"], best, "{job}");
                tasks += job["tasks"].as_u64().unwrap();
            }
        }
        attempts += job["attempts"].as_u64().unwrap();
    }
    let nodes = outcome["nodes"].as_array().unwrap();
    let placed: u64 = nodes
        .iter()
        .map(|node| node["tasks"].as_u64().unwrap())
        .sum();
    assert_eq!(placed, tasks);
    for node in nodes {
        for kind in ["cpu", "memory"] {
            let (free, capacity) = (node["free"][kind].as_u64(), node["capacity"][kind].as_u64());
            assert!(free <= capacity, "{node}");
            assert_eq!(free == capacity, node["tasks"] == 0, "{node}");
        }
    }
    attempts
}

/// One planner, and an operator who drains a node of the plan just before the commit, twice: two plans more, and nothing on these nodes.
#[test]
fn a_plan_on_a_world_that_has_moved_is_made_anew() {
    let outcome = json("plan_on_fork", &["--planners", "1", "--drain", "2"]);
    assert_eq!(check(&outcome), 12);
    assert_eq!(outcome["jobs"][0]["attempts"], 3);
    let nodes = outcome["nodes"].as_array().unwrap();
    let drained: Vec<_> = nodes
        .iter()
        .filter(|node| node["drained"] == true)
        .collect();
    assert_eq!(drained.len(), 2);
    assert!(drained.iter().all(|node| node["tasks"] == 0));
}

/// Alone and undisturbed, every job is planned once; what is best for some jobs is not for others.
#[test]
fn the_best_plan_is_taken() {
    let outcome = json(
        "plan_on_fork",
        &[
            "--planners",
            "1",
            "--drain",
            "0",
            "--jobs",
            "40",
            "--nodes",
            "30",
        ],
    );
    assert_eq!(check(&outcome), 40);
    let mut taken = BTreeMap::<String, usize>::new();
    for job in outcome["jobs"].as_array().unwrap() {
        *taken.entry(job["state"]["Placed"].to_string()).or_default() += 1;
    }
    assert!(
        taken.contains_key("\"Pack\"") && taken.contains_key("\"Spread\""),
        "{taken:?}"
    );
}

/// Planners that get in each other's way take no more than there is; and what finds no room is blocked.
#[test]
fn planners_side_by_side_never_take_too_much() {
    let outcome = json(
        "plan_on_fork",
        &["--planners", "4", "--jobs", "60", "--nodes", "9"],
    );
    assert!(check(&outcome) >= 60);
    let jobs = outcome["jobs"].as_array().unwrap();
    assert!(jobs.iter().any(|job| job["state"] == "Blocked"));
}

/// Tables for people, with a line for each job and node.
#[test]
fn tables_for_people() {
    let text = success(
        &example("plan_on_fork", &["--jobs", "3", "--nodes", "4"])
            .output()
            .unwrap(),
    );
    for name in ["job-003", "node-004", "spread", "drained"] {
        assert!(text.contains(name), "{text}");
    }
}

/// A mistake is told in one line.
#[test]
fn mistakes_are_told() {
    refuses(
        "plan_on_fork",
        &["--planners", "0"],
        "invalid value '0' for '--planners <N>'",
    );
    refuses(
        "plan_on_fork",
        &["--strategy", "best"],
        "unexpected argument '--strategy' found",
    );
}
