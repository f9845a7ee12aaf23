#!/bin/sh
# Runs every interleaving of the watches' protocols (src/watch/interleavings.rs) on loom. Takes the test filter as arguments.
set -eu
cd "$(dirname "$0")/.."
RUSTFLAGS="--cfg sapwood_loom ${RUSTFLAGS:-}" CARGO_TARGET_DIR=target/loom \
    exec cargo test --lib "${@:-watch::interleavings}"
