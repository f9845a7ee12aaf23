#!/usr/bin/env bash
# Kills a process that commits to a page file, again and again: what it said was committed must be there, and the next one goes on with the file.
#
#   scripts/kill-pagefile.sh [ROUNDS]
#
# ROUNDS: how many kills; 200 without it. SIM_SEED=number repeats the moments, as far as the machine allows.
set -euo pipefail
cd "$(dirname "$0")/.."
SAPWOOD_KILL_ROUNDS=${1:-200} cargo test --release --test pagefile_processes -- --exact killed_writers_lose_nothing --nocapture
