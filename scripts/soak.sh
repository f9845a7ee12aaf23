#!/usr/bin/env bash
# Writers, readers, planners, watchers and followers at once, on many threads, optimised; prints how it goes on, and last what was done.
#
#   scripts/soak.sh [SECONDS]
#
# SECONDS: for how long; 60 without it. SAPWOOD_SEED=number repeats the random choices, as far as threads can be repeated.
set -euo pipefail
cd "$(dirname "$0")/.."
export SAPWOOD_SOAK_SECONDS=${1:-60}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
cargo test --release --test soak -- --exact soak --nocapture | tee "$out"
grep '^soak: ' "$out"
