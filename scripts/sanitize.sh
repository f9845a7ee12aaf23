#!/usr/bin/env bash
# Runs the tests of the trees and of whole databases under AddressSanitizer and LeakSanitizer.
# Nodes and rows then come one by one from the allocator, so that each use after free and each leak is seen.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(rustc -vV | sed -n 's/^host: //p')
export RUSTC_BOOTSTRAP=1 # the sanitizer flag is not stable yet; the compiler is
export RUSTFLAGS="-Zsanitizer=address --cfg sapwood_plain_memory"
export CARGO_TARGET_DIR=target/sanitize
export PROPTEST_CASES="${PROPTEST_CASES:-48}"
export SAPWOOD_SOAK_SECONDS="${SAPWOOD_SOAK_SECONDS:-5}"
cargo test --target "$target" --lib radix::
cargo test --target "$target" --test database --test state_machine --test live_indexes --test model_live_indexes \
    --test two_phase --test change_list --test soak
