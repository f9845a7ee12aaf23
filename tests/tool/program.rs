//! The program, run.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// The program with these arguments. It waits for files: where tests run side by side, a process that another one starts holds the locks of this
/// one for a moment.
pub fn command<S: AsRef<str>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sapwood"));
    if arguments
        .iter()
        .all(|argument| argument.as_ref() != "--wait")
    {
        command.args(["--wait", "60"]);
    }
    command.args(arguments.iter().map(AsRef::as_ref));
    command
}

pub fn run<S: AsRef<str>>(arguments: &[S]) -> Output {
    command(arguments).output().unwrap()
}

/// Runs it with this on its standard input.
pub fn fed<S: AsRef<str>>(arguments: &[S], input: &[u8]) -> Output {
    let mut command = command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // What refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// What it printed, where it ended with this code and complained of nothing.
pub fn printed(output: &Output, code: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(errors.is_empty(), "{errors}");
    assert_eq!(output.status.code(), Some(code), "{text}");
    text.into_owned()
}

/// What it prints where all is well.
pub fn fine<S: AsRef<str>>(arguments: &[S]) -> String {
    printed(&run(arguments), 0)
}

/// The one line of JSON that it prints, and ends with this code.
pub fn json<S: AsRef<str>>(arguments: &[S], code: i32) -> Value {
    let arguments: Vec<_> = arguments.iter().map(AsRef::as_ref).collect();
    let output = run(&[&["--json"], arguments.as_slice()].concat());
    let text = printed(&output, code);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The one line in which it complains, with this code, and nothing else.
pub fn complaint<S: AsRef<str>>(arguments: &[S], code: i32) -> String {
    complained(&run(arguments), code)
}

pub fn complained(output: &Output, code: i32) -> String {
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.is_empty(), "{text}");
    assert_eq!(output.status.code(), Some(code), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    line.strip_prefix("sapwood: ")
        .unwrap()
        .trim_end()
        .to_owned()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
