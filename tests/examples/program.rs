//! The examples as programs.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;

/// An example, with these options. All of them are built, if they have not been yet.
pub fn example<S: AsRef<str>>(name: &str, options: &[S]) -> Command {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(build);
    let mut command = Command::new(&built[name]);
    command.args(options.iter().map(AsRef::as_ref));
    command
}

fn build() -> BTreeMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "build",
        "--examples",
        "--message-format=json",
    ]);
    if cfg!(feature = "ipnet") {
        // What `cargo test --workspace --all-features` has built.
        cargo.arg("--all-features");
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifacts = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executables = artifacts.filter_map(|message| {
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, PathBuf::from(message["executable"].as_str()?)))
    });
    executables.collect()
}

/// The one line of JSON that it prints.
pub fn json<S: AsRef<str>>(name: &str, options: &[S]) -> Value {
    let output = example(name, options).arg("--json").output().unwrap();
    let text = success(&output);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// What it printed, where it went well.
pub fn success(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// That it refuses: by a line that begins so, exit code 2, and with nothing else printed.
pub fn refuses<S: AsRef<str>>(name: &str, options: &[S], beginning: &str) {
    let output = example(name, options).output().unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    let expected = format!("{name}: {beginning}");
    assert!(line.starts_with(&expected), "{line}\n{expected}");
    assert_eq!(line.lines().count(), 1, "{line}");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}
