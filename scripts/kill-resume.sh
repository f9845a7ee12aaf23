#!/usr/bin/env bash
# Kills the orchestrator example at random moments and lets it go on from its file, in each durability; the figures must be those of a run
# that nobody killed.
#
#   scripts/kill-resume.sh [ROUNDS [OPTIONS OF THE EXAMPLE...]]
#
# ROUNDS: how many runs, each killed up to ten times; 20 without it. The options name a trace, as in
#   scripts/kill-resume.sh 20 --nodes nodes.csv --pods pods.csv --stretch 200
# and without them it is the one that the example makes up. SEED=number repeats the random moments, as far as the machine allows.
set -euo pipefail

rounds=${1:-20}
[ $# -gt 0 ] && shift
trace=("$@")
RANDOM=${SEED:=$RANDOM}
echo "SEED=$SEED"

root=$(cd "$(dirname "$0")/.." && pwd)
cargo build --quiet --release --manifest-path "$root/Cargo.toml" --example orchestrator
example=${CARGO_TARGET_DIR:-$root/target}/release/examples/orchestrator

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
db=$folder/cluster.sap

# The figures that are the same for every run of a trace: all before the first one that depends on the machine.
figures() { sed 's/,"commits":.*//' "$folder/out"; }

fail() {
    echo "$1: $(cat "$folder/err" "$folder/out")" >&2
    exit 1
}

"$example" "${trace[@]}" --json >"$folder/out" 2>"$folder/err" || fail "the run in memory"
expected=$(figures)
echo "expected: $expected}"

durabilities=(immediate eventual checkpoint)
for ((round = 1; round <= rounds; round++)); do
    durability=${durabilities[round % 3]}
    rm -f "$db"
    # So long a whole run takes, in milliseconds; then up to half of it until each kill.
    begun=$(date +%s%N)
    "$example" "${trace[@]}" --db "$db" --durability "$durability" --json >"$folder/out" 2>"$folder/err" ||
        fail "round $round ($durability), not killed"
    whole=$((($(date +%s%N) - begun) / 1000000))
    rm -f "$db"
    kills=0 resumed=0
    while :; do
        resume=()
        if [ -e "$db" ]; then
            resume=(--resume)
            resumed=$((resumed + 1))
        fi
        "$example" "${trace[@]}" --db "$db" --durability "$durability" --json "${resume[@]}" >"$folder/out" 2>"$folder/err" &
        process=$!
        if [ "$kills" -lt 10 ]; then
            milliseconds=$((RANDOM * 32768 + RANDOM))
            milliseconds=$((milliseconds % (whole / 2 + 1)))
            sleep "$((milliseconds / 1000)).$(printf %03d $((milliseconds % 1000)))"
            kill -KILL "$process" 2>/dev/null && kills=$((kills + 1))
        fi
        status=0
        wait "$process" 2>/dev/null || status=$?
        [ "$status" -eq 0 ] && break
        [ "$status" -eq 137 ] || fail "round $round ($durability): exit code $status"
    done
    [ "$(figures)" = "$expected" ] || fail "round $round ($durability): wrong after $kills kills"
    echo "round $round ($durability): killed $kills times, resumed $resumed times, figures right"
done
