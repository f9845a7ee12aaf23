//! The main example keeps its word: the figures of a replay are right, whatever it is killed by, and a mistake is told in one line.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "orchestrator/replay.rs"]
mod replay;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use replay::{Node, Pod, Trace};
use serde_json::Value;
use tempfile::TempDir;

/// The example, built if it has not been yet.
fn example() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([
            "build",
            "--example",
            "orchestrator",
            "--message-format=json",
        ]);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        let built = cargo.output().unwrap();
        let messages = String::from_utf8_lossy(&built.stdout);
        let executable = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["target"]["name"] == "orchestrator")
            .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
        executable.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&built.stderr)))
    })
}

/// A folder with a trace in it.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new(trace: &Trace) -> Self {
        let (nodes, pods) = trace.csv();
        Self::with(&nodes, &pods)
    }

    fn with(nodes: &str, pods: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("nodes.csv"), nodes).unwrap();
        fs::write(folder.path().join("pods.csv"), pods).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The example on this trace.
    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(example());
        command
            .current_dir(self.folder.path())
            .args(["--nodes", "nodes.csv", "--pods", "pods.csv", "--json"])
            .args(options);
        command
    }

    fn run(&self, options: &[&str]) -> Output {
        self.command(options).output().unwrap()
    }

    /// The figures that it prints.
    fn figures(&self, options: &[&str]) -> Value {
        figures(&self.run(options))
    }

    /// All that is in the folder.
    fn content(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut content: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        content.sort();
        content
    }

    /// That it refuses: by this line, exit code 2, and with nothing written.
    fn refuses(&self, options: &[&str], line: &str) {
        let before = self.content();
        let output = self.run(options);
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            format!("orchestrator: {line}\n")
        );
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        assert!(before == self.content(), "files were written");
    }
}

/// The figures in the one line of output that do not depend on the machine; and that the others are there.
fn figures(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let mut figures: Value = serde_json::from_str(text).unwrap();
    for name in ["commits", "seconds", "file_bytes"] {
        let figure = figures.as_object_mut().unwrap().remove(name);
        assert!(figure.is_some_and(|figure| figure.is_number()), "{name}");
    }
    figures
}

/// Every durability, as options.
const DURABLE: [[&str; 4]; 3] = [
    ["--db", "x.sap", "--durability", "immediate"],
    ["--db", "x.sap", "--durability", "eventual"],
    ["--db", "x.sap", "--durability", "checkpoint"],
];

/// In memory and on a file, stretched or not, the figures are those that the rules give; and a finished run gives them again.
#[test]
fn figures_are_those_of_the_rules() {
    let trace = Trace::crowded(400);
    let files = Files::new(&trace);
    for stretch in [1, 3] {
        let stretched = format!("--stretch={stretch}");
        let expected = trace.replay(stretch);
        assert_ne!(expected["completed"], 0);
        assert_ne!(expected["never_scheduled"], 0);
        assert_eq!(files.figures(&[&stretched]), expected);
        for [db, file, durability, kind] in DURABLE {
            let options = [&stretched, db, file, durability, kind];
            assert_eq!(files.figures(&options), expected, "{kind}");
            let again = [&stretched, db, file, durability, kind, "--resume"];
            assert_eq!(files.figures(&again), expected, "{kind}, again");
            fs::remove_file(files.path(file)).unwrap();
        }
    }
}

fn node() -> impl Strategy<Value = Node> {
    (0..6u64, 0..4u64, 0..3u64, 0..3usize).prop_map(|(cpu, memory, gpus, model)| Node {
        name: String::new(),
        cpu: cpu * 500,
        memory: memory * 500,
        gpus,
        model: ["", "A", "B"][model].to_owned(),
    })
}

fn pod() -> impl Strategy<Value = Pod> {
    let needs = (0..4u64, 0..3u64, 0..3u64, 0..3u64);
    (needs, 0..5usize, 0..12u64, 0..9u64).prop_map(
        |((cpu, memory, gpus, gpu), models, begins, life)| Pod {
            name: String::new(),
            cpu: cpu * 400,
            memory: memory * 400,
            gpus,
            gpu_milli: gpu * 500,
            models: ["", "A", "B", "A|B", "C"][models].to_owned(),
            begins,
            ends: begins + life,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Small traces where much happens at the same time: pods that never appear, that end while they wait, that need nothing, that no node takes.
    #[test]
    fn figures_are_those_of_the_rules_on_any_trace(
        mut nodes in prop::collection::vec(node(), 0..6),
        mut pods in prop::collection::vec(pod(), 0..40),
        stretch in 1..4u64,
    ) {
        for (number, node) in nodes.iter_mut().enumerate() {
            node.name = format!("n{}", (number + 3) % 6);
        }
        for (number, pod) in pods.iter_mut().enumerate() {
            pod.name = format!("p{}", (number * 7) % 41);
        }
        let trace = Trace { nodes, pods };
        let stretched = format!("--stretch={stretch}");
        prop_assert_eq!(Files::new(&trace).figures(&[&stretched]), trace.replay(stretch));
    }
}

/// Killed again and again, and begun again by `--resume`, it comes to the same placements. The long form is `scripts/kill-resume.sh`.
#[test]
fn survives_being_killed() {
    let trace = Trace::crowded(600);
    let files = Files::new(&trace);
    let expected = trace.replay(1);
    let begun = Instant::now();
    assert_eq!(files.figures(&DURABLE[1]), expected);
    let whole = begun.elapsed();
    for (round, options) in (0u8..6).zip(DURABLE.iter().cycle()) {
        let file = files.path("x.sap");
        fs::remove_file(&file).unwrap();
        let mut starts = 0;
        let last = loop {
            let mut command = files.command(options);
            if file.exists() {
                command.arg("--resume");
            }
            let mut running = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // Where in the run it dies is left to the machine: after about this share of it.
            if let Some(share) = [0.3, 0.05, 0.15, 0.01, 0.2].get(starts) {
                let share = share + 0.02 * f64::from(round);
                thread::sleep(whole.mul_f64(share).max(Duration::from_millis(5)));
                running.kill().unwrap();
            }
            starts += 1;
            let output = running.wait_with_output().unwrap();
            if output.status.success() {
                break output;
            }
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(starts <= 5 && errors.is_empty(), "start {starts}: {errors}");
        };
        assert_eq!(
            figures(&last),
            expected,
            "{options:?}, after {starts} starts"
        );
    }
}

const NODES: &str = "sn,cpu_milli,memory_mib,gpu,model\nn1,4000,1000,0,\nn2,4000,1000,1,T4\n";
const PODS: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,creation_time,deletion_time\np1,1,1,0,0,,0,5\np2,1,1,1,500,T4,1,5\n";

/// A mistake in the input is told by file, line and column, and not even an empty database comes of it.
#[test]
fn mistakes_in_files_are_told_by_line_and_column() {
    let number = "is not a whole number from 0 to 18446744073709551615";
    let nodes = |from: &str, to: &str| Files::with(&NODES.replacen(from, to, 1), PODS);
    let pods = |from: &str, to: &str| Files::with(NODES, &PODS.replacen(from, to, 1));
    let cases = [
        (
            nodes(",gpu,", ",gpus,"),
            "nodes.csv, line 1: the column gpu is missing".to_owned(),
        ),
        (
            nodes("model", "gpu"),
            "nodes.csv, line 1: the column gpu is there more than once".to_owned(),
        ),
        (
            nodes("n2,4000", "n2,4x"),
            format!("nodes.csv, line 3, column 2 (cpu_milli): \"4x\" {number}"),
        ),
        (
            nodes("n2,4000", "n2,-4"),
            format!("nodes.csv, line 3, column 2 (cpu_milli): \"-4\" {number}"),
        ),
        (
            nodes("n2,", "n1,"),
            "nodes.csv, line 3, column 1 (sn): n1 is there twice".to_owned(),
        ),
        (
            nodes(",1,T4", ",18446744073709552,T4"),
            "nodes.csv, line 3, column 4 (gpu): too many GPUs".to_owned(),
        ),
        (
            nodes("n1,4000", "n1"),
            "nodes.csv, line 2: 4 columns, where the headers have 5".to_owned(),
        ),
        (
            nodes(NODES, ""),
            "nodes.csv, line 1: the column sn is missing".to_owned(),
        ),
        (
            pods(",deletion_time", ""),
            "pods.csv, line 1: the column deletion_time is missing".to_owned(),
        ),
        (
            pods("p2,1", "p2,"),
            format!("pods.csv, line 3, column 2 (cpu_milli): \"\" {number}"),
        ),
        (
            pods("p2,", ","),
            "pods.csv, line 3, column 1 (name): a name is missing".to_owned(),
        ),
        (
            pods("p2,", "p1,"),
            "pods.csv, line 3, column 1 (name): p1 is there twice".to_owned(),
        ),
        (
            pods("T4,1,5", "T4,6,5"),
            "pods.csv, line 3, column 8 (deletion_time): before the creation_time".to_owned(),
        ),
        (
            pods("T4,1,5", "T4,1,18446744073709551615"),
            "pods.csv, line 3, column 8 (deletion_time): too late, when stretched".to_owned(),
        ),
        (
            pods("T4,1,5", "T4,1,1.5"),
            format!("pods.csv, line 3, column 8 (deletion_time): \"1.5\" {number}"),
        ),
    ];
    for (files, line) in cases {
        files.refuses(&["--db", "x.sap", "--stretch", "2"], &line);
    }
    let files = nodes("", "");
    fs::write(
        files.path("nodes.csv"),
        b"sn,cpu_milli,memory_mib,gpu,model\nn1,1,1,0,\xff\n",
    )
    .unwrap();
    files.refuses(
        &["--db", "x.sap"],
        "nodes.csv, line 2, column 5 (model): not UTF-8",
    );
    fs::remove_file(files.path("nodes.csv")).unwrap();
    let output = files.run(&["--db", "x.sap"]);
    assert_eq!(output.status.code(), Some(2));
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(line.starts_with("orchestrator: nodes.csv: "), "{line}");
    assert!(!files.path("x.sap").exists());
}

/// A file is not overwritten, not made where one was expected, and not gone on with by another trace or stretch.
#[test]
fn files_of_other_runs_are_refused() {
    let files = Files::with(NODES, PODS);
    files.refuses(
        &["--db", "x.sap", "--resume"],
        "x.sap: there is no such file to resume from",
    );
    let _ = files.figures(&["--db", "x.sap"]);
    files.refuses(
        &["--db", "x.sap"],
        "x.sap: the file is there already; go on with it by --resume, or name another one",
    );
    files.refuses(
        &["--db", "x.sap", "--resume", "--stretch", "2"],
        "x.sap: this run was begun with --stretch 1, not 2",
    );
    fs::write(files.path("pods.csv"), PODS.replace("p1,1,1", "p1,2,1")).unwrap();
    files.refuses(
        &["--db", "x.sap", "--resume"],
        "x.sap: this run was begun with another trace",
    );
}

/// What is not a database of the example is refused in one line that names it, and left as it is.
#[test]
fn other_databases_are_refused() {
    #[derive(sapwood::Table, Clone, serde::Serialize, serde::Deserialize)]
    #[table(name = "pods")]
    struct Other {
        #[key]
        id: u64,
    }
    let files = Files::with(NODES, PODS);
    let db = sapwood::Database::builder()
        .table::<Other>()
        .open(files.path("x.sap"))
        .unwrap();
    db.write(|tx| tx.insert(Other { id: 1 })).unwrap();
    db.close().unwrap();
    for other in ["x.sap", "nodes.csv", "."] {
        let before = files.content();
        let output = files.run(&["--db", other, "--resume"]);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(
            line.starts_with(&format!("orchestrator: {other}")),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(before == files.content(), "files were written");
    }
}

/// The production trace comes to the published figures. Its folder is named by `SAPWOOD_TRACES`.
#[test]
fn the_production_trace_comes_to_its_figures() {
    let Some(folder) = std::env::var_os("SAPWOOD_TRACES").map(PathBuf::from) else {
        eprintln!("skipped: SAPWOOD_TRACES is not set to the folder with nodes.csv and pods.csv");
        return;
    };
    let read = |name| fs::read_to_string(folder.join(name)).unwrap();
    let files = Files::with(&read("nodes.csv"), &read("pods.csv"));
    let known = [
        (
            1,
            15_748,
            56,
            "3496c9c2de6c79e1e5f9715f91328a6cae3019b782597691905c747959e95c31",
        ),
        (
            200,
            16_029,
            1596,
            "178d417e236bc2c74cec8a71dcca5ecdfa9bb64e6e1af64a463e53ca07aa2b7f",
        ),
    ];
    for (stretch, ticks, peak, sha256) in known {
        let expected = serde_json::json!({
            "nodes": 1523, "pods": 8152, "ticks": ticks, "completed": 8151, "never_scheduled": 1,
            "running": 0, "pending": 0, "peak_running": peak, "placements_sha256": sha256,
        });
        let stretched = format!("--stretch={stretch}");
        let file = format!("{stretch}.sap");
        assert_eq!(files.figures(&[&stretched]), expected);
        assert_eq!(files.figures(&[&stretched, "--db", &file]), expected);
    }
}
