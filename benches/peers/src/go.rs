//! The peers in Go: a program of its own, `benches/peers/go`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// Builds the program; `None`, with a word about it, where there is no Go.
pub(crate) fn build(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/go");
    if let Err(error) = Command::new("go").arg("version").output() {
        eprintln!("the peers in Go are left out: no Go here ({error})");
        return Ok(None);
    }
    let program = folder.join("go-peers");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(sources)
        .status()?;
    if !status.success() {
        eprintln!("the peers in Go are left out: their program does not build");
        return Ok(None);
    }
    Ok(Some(program))
}
