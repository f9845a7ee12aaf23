#!/usr/bin/env bash
# Counts the instructions of the ten hottest operations under callgrind and compares them with benches/instructions.txt.
#
#   scripts/instructions.sh [--keep]
#
# Exits with 1 where an operation takes over 2 % more instructions than are noted. --keep: notes the new counts instead.
# Counts are the same on each run of one binary; another compiler makes another binary, so that counts of another one are shown but not judged.
set -euo pipefail

cd "$(dirname "$0")/.."
noted=benches/instructions.txt
keep=${1:-}
if ! command -v valgrind >/dev/null || ! command -v callgrind_annotate >/dev/null; then
    echo "instructions: no valgrind here, skipped"
    exit 0
fi

binary=$(cargo bench --quiet --no-run --bench instructions --message-format=json |
    sed -n 's/.*"name":"instructions".*"executable":"\([^"]*\)".*/\1/p' | tail -1)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
built=$SECONDS
# Without an environment: its length moves the stack, and with it a few counts.
env -i "$(command -v valgrind)" --quiet --tool=callgrind --callgrind-out-file="$out/counts" "$binary" 2>"$out/messages" || {
    cat "$out/messages" >&2
    exit 2
}
# The instructions of each function, with all that it calls.
callgrind_annotate --auto=no --inclusive=yes --threshold=100 --show-percs=no "$out/counts" >"$out/functions"

# name operations
operations='point_read 1000
snapshot_and_point_read 1000
list_by_node 1000
count_by_prefix 1000
full_scan 20000
update_of_no_indexed_field 1000
update_of_an_indexed_field 1000
insert 1000
remove 1000
watch_update_and_wake 1000'

compiler=$(rustc --version)-$(uname -m)
echo "# instructions for each operation; written by scripts/instructions.sh --keep; $compiler" >"$out/new"
while read -r name count; do
    total=$(sed -n "s/^ *\([0-9,]*\) .*:instructions::$name\(::h[0-9a-f]*\)\?\('2\)\? .*/\1/p" "$out/functions" | head -1 | tr -d ,)
    if [ -z "$total" ]; then
        echo "instructions: callgrind does not know $name" >&2
        exit 2
    fi
    echo "$name $((total / count))" >>"$out/new"
done <<<"$operations"

if [ "$keep" = --keep ]; then
    cp "$out/new" "$noted"
fi
status=0
judged=yes
[ "$(head -1 "$noted")" = "$(head -1 "$out/new")" ] || judged=
while read -r name count; do
    [ "$name" = '#' ] && continue
    before=$(awk -v name="$name" '$1 == name { print $2 }' "$noted")
    change=$(awk -v before="${before:-0}" -v now="$count" 'BEGIN { if (before) printf "%+.1f %%", 100 * (now - before) / before; else print "new" }')
    word=
    if [ -n "$before" ] && [ $((count * 100)) -gt $((before * 102)) ]; then
        word='  MORE'
        [ -n "$judged" ] && status=1
    fi
    printf '%-30s %8s %10s%s\n' "$name" "$count" "$change" "$word"
done <"$out/new"
[ -n "$judged" ] || echo "the noted counts are of another compiler: $(head -1 "$noted" | sed 's/.*; //')"
echo "built in $built s, counted in $((SECONDS - built)) s"
exit $status
