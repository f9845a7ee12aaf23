#!/usr/bin/env bash
# Kills a process with several writer threads again and again, and looks whether every commit that it has acknowledged is in its file.
#
#   scripts/kill-writers.sh [ROUNDS]
#
# ROUNDS: how often; 200 without it.
set -euo pipefail
cd "$(dirname "$0")/.."
SAPWOOD_KILL_ROUNDS=${1:-200} cargo test --quiet --test kill_writers a_killed_process -- --nocapture
