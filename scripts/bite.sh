#!/usr/bin/env bash
# Shows that the tests of crashes and of damage bite: takes each sync and each check of the page file away, one at a time, in a copy of the sources, and
# runs `crash` and `flip` on it. Each must make one of them fail.
#
#   scripts/bite.sh [--fits] [PATTERN]
#
# --fits: only tells whether all mutants can still be made. PATTERN: only those whose file and words have it. Exits with 1 where one survives. A mutant that no longer fits the sources ends the script.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
fits=
[ "${1:-}" = --fits ] && fits=1 && shift
pattern=${1:-}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
(cd "$root" && git ls-files -z | xargs -0 cp --parents -t "$copy" --)
# As they were: the sources may be edited while this runs.
cp -r "$copy/src" "$copy/unchanged"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/bite}
export SAPWOOD_CRASH_IMAGES=${SAPWOOD_CRASH_IMAGES:-20000} SIM_SEED=${SIM_SEED:-1} RUST_BACKTRACE=0
export PROPTEST_CASES=1000

survived=0 caught=0
# What to run on a mutant of a file: those tests first that are likeliest to fail.
stages_for() {
    case $1 in
    meta.rs | source.rs | page.rs | walk.rs) stages=('flip structure told lengths' 'flip hostile' 'flip pages bytes' 'crash') ;;
    create.rs | file_storage.rs) stages=('crash calls' 'crash' 'flip') ;;
    *) stages=('crash every_crash' 'crash --skip every_crash' 'flip') ;;
    esac
}

# The first test that fails with the sources as they are now.
who_fails() {
    local stage status
    for stage in "${stages[@]}"; do
        set -- $stage
        status=0
        (cd "$copy" && timeout 900 cargo test --quiet --test "$1" -- "${@:2}" >"$copy/out" 2>&1) || status=$?
        [ "$status" -eq 0 ] && continue
        if [ "$status" -eq 124 ]; then
            echo "$1 (does not end)"
        else
            # Not every failure has a name: a signal ends all tests at once.
            echo "$1 $(sed -n 's/^    \([a-z_:]*\)$/\1/p' "$copy/out" | head -1)"
        fi
        return
    done
}

# mutant FILE WHAT FROM TO: FROM is a Perl pattern over the whole file; `.` does not match the end of a line.
mutant() {
    local file=src/pagefile/$1 unchanged=$copy/unchanged/pagefile/$1 what=$2 by
    case "$file $what" in *"$pattern"*) ;; *) return 0 ;; esac
    FROM=$3 TO=$4 perl -0777 -pi -e 's/$ENV{FROM}/$ENV{TO}/m' "$copy/$file"
    if cmp -s "$unchanged" "$copy/$file"; then
        echo "bite.sh: the mutant \"$what\" does not fit $file any more" >&2
        exit 2
    fi
    if [ -n "$fits" ]; then
        cp "$unchanged" "$copy/$file"
        return
    fi
    stages_for "$1"
    if ! (cd "$copy" && cargo test --quiet --no-run --test "${stages[0]%% *}" >"$copy/out" 2>&1); then
        echo "bite.sh: the mutant \"$what\" of $file does not compile" >&2
        cat "$copy/out" >&2
        exit 2
    fi
    by=$(who_fails)
    if [ -n "$by" ]; then caught=$((caught + 1)); else survived=$((survived + 1)); fi
    printf '%-18s %-62s %s\n' "${file#src/pagefile/}" "$what" "${by:-SURVIVED}"
    cp "$unchanged" "$copy/$file"
}

mutant commit.rs 'no sync after the meta' '^        shared\.sync\(\)\?;$' ''
mutant commit.rs 'no sync before the meta, of two phases' '^            shared\.sync\(\)\?;$' ''
mutant commit.rs 'runs named although earlier commits are unsynced' '^        && !writer\.has_unsynced\(\)$' ''
mutant commit.rs 'the kept slot is written' 'let slot = 1 - writer\.slot;' 'let slot = writer.slot;'
mutant commit.rs 'not poisoned while writing' 'shared\.set_poisoned\(true\);' ''
mutant commit.rs 'the number of a commit may come again' 'writer\.highest \+ 1' 'txn.base.commit + 1'
mutant unsynced.rs 'no sync before the meta' 'shared\.sync\(\)\?;\s+let meta' 'let meta'
mutant unsynced.rs 'no sync after the meta' 'shared\.sync\(\)\?;\s+shared\.set_poisoned' 'shared.set_poisoned'
mutant unsynced.rs 'not poisoned while writing' 'shared\.set_poisoned\(true\);' ''
mutant page_file.rs 'unsynced commits are left so at close' 'make_durable\(&self\.shared, &mut writer\)\?;' ''
mutant tail.rs 'no sync after the meta of closing' '^    shared\.sync\(\)\?;$' ''
mutant tail.rs 'closing writes over the newest meta' '1 - writer\.slot, &meta' 'writer.slot, &meta'
mutant settle.rs 'no sync of what was found' 'shared\.sync\(\)\?;' ''
mutant settle.rs 'the meta of a lost commit stays' 'if writer\.highest > writer\.durable\(\)' 'if false'
mutant create.rs 'no sync before the name' 'temporary\.file\.sync_all\(\)\.map_err\(Error::io\("sync"\)\)\?;' ''
mutant create.rs 'no sync of the folder' 'sync_folder\(path\)\.map_err\(Error::io\("sync the folder of"\)\)\?;' 'let _ = sync_folder;'
mutant file_storage.rs 'a sync that does nothing' 'self\.file\.sync_data\(\)' 'Ok(())'
mutant open.rs 'no sync of a new file' 'storage\.sync\(\)\.map_err\(Error::io\("sync"\)\)' 'Ok(())'
mutant open.rs 'runs of the commit are not verified' 'if !meta\.runs\.is_empty\(\) && chain\.sum\(\) != meta\.runs_sum' 'if false'
mutant open.rs 'the length is not compared' 'if len < expected \{' 'if false {'
mutant open.rs 'a newer format in one slot is passed by' 'if let Some\(found\) = newer \{' 'if let Some(found) = newer.filter(|_| metas.iter().all(Option::is_none)) {'
mutant writer.rs 'the older state is not kept at open' 'if let Some\(meta\) = self\.older\.take\(\)' 'if let Some(meta) = self.older.take().filter(|_| false)'
mutant writer.rs 'the older state is not kept' '\*commit < self\.older_durable' '*commit < self.durable'
mutant writer.rs 'readers are not waited for' '\.is_some_and\(\|snapshot\| Arc::get_mut\(snapshot\)\.is_none\(\)\)' '.is_some_and(|_| false)'
mutant meta.rs 'no checksum of the slot' 'sum\.is_none\(\) \|\| sum != get_u64\(slot, SUM\)' 'sum.is_none()'
mutant meta.rs 'any page size' 'if !is_page_size\(page_size\) \{' 'if page_size == 0 {'
mutant meta.rs 'any number of pages' 'if pages < first \|\| pages > [^{]*\{' 'if false {'
mutant meta.rs 'fewer pages than the head' 'pages < first \|\| ' ''
mutant meta.rs 'more pages than can be' ' \|\| pages > i64::MAX as u64 \/ u64::from\(page_size\)' ''
mutant meta.rs 'any length of runs and tree' 'if journal_at \+ Stretches::len\(stretches\) > SUM' 'if false'
mutant meta.rs 'runs in any order' 'run\.start < free_from \|\| ' ''
mutant meta.rs 'runs of no page' 'run\.pages == 0 \|\| ' ''
mutant meta.rs 'runs behind the end' ' \|\| end > pages' ''
mutant meta.rs 'any commit number' 'if commit > i64::MAX as u64' 'if false'
mutant meta.rs 'the tree in the slot is not validated' 'validate\(leaf\)\.ok\(\)\?;' 'let _ = validate(leaf);'
mutant meta.rs 'the tree in the slot may be a branch' 'header\.level == 0 && ' ''
mutant source.rs 'no checksum of pages' 'checksum::of\(bytes\) == run\.checksum' 'true'
mutant source.rs 'nodes are not validated' 'Kind::Node, validate\)' 'Kind::Node, |_| Ok(()))'
mutant source.rs 'any level below a branch' 'level\.is_some_and\(\|level\| level != node\.level\(\)\)' 'false'
mutant source.rs 'runs of no page' 'run\.pages == 0\s+\|\| ' ''
mutant source.rs 'pages in the head' '\|\| run\.page < first_page\(self\.page_size\)\s' ''
mutant source.rs 'pages behind the end' '\|\| end\.is_none_or\(\|end\| end > self\.pages\)' ''
mutant source.rs 'any page is a value' 'Some\(&KIND_VALUE\) => Ok\(\(\)\)' 'Some(_) => Ok(())'
mutant page.rs 'any kind of page' 'KIND_LEAF if level == 0 => \{\}' '_ if level == 0 => {}'
mutant page.rs 'a branch of level 0' 'KIND_BRANCH if \(1\.\.=MAX_LEVEL\)' 'KIND_BRANCH if (0..=MAX_LEVEL)'
mutant page.rs 'nodes without an entry' 'if count == 0' 'if false'
mutant page.rs 'more used than there is' 'used > page\.len\(\) \|\| ' ''
mutant page.rs 'more entries than there is room for' ' \|\| count > \(page\.len\(\) - HEADER\.min\(page\.len\(\)\)\) \/ SLOT' ''
mutant page.rs 'leaf entries behind the end' 'if key\.end \+ stored\.stored_len\(\) > page\.len\(\)' 'if false'
mutant page.rs 'branch entries behind the end' 'if key\.end > page\.len\(\)' 'if false'
mutant page.rs 'entries anywhere' 'if place\(\*slot\) != at' 'if false'
mutant page.rs 'a first child with a key' 'if header\.level > 0 && i == 0 && !key\.is_empty\(\)' 'if false'
mutant page.rs 'keys in any order' 'if previous\.is_some_and\(\|previous\| previous >= key\)' 'if false'
mutant page.rs 'any head of a key' 'if head_of\(\*slot\) != head\(key, prefix\)' 'if false'
mutant page.rs 'any length of what keys share' 'if header\.prefix != prefix_of\([^{]*\{' 'if false {'
mutant page.rs 'any end of the entries' 'if at != header\.used' 'if false'
mutant walk.rs 'pages are reached twice' 'if is_other \|\| !self\.seen\.insert\(page\)' 'let _ = self.seen.insert(page); if is_other'
mutant walk.rs 'pages of later commits' 'if node\.commit\(\) > self\.commit' 'if false'
mutant walk.rs 'keys out of the bounds of the parent' 'if low\.is_some_and\(\|low\| lowest < low\) \|\| high\.is_some_and\(\|high\| highest >= high\)' 'if false'
mutant walk.rs 'any number of keys' 'keys == record\.rows && ' ''
mutant walk.rs 'any number of buckets' ' && buckets == record\.buckets' ''
mutant walk.rs 'values among the buckets' '_ if is_root =>' '_ if is_root && false =>'
mutant walk.rs 'the check does not read values' 'if self\.deep \{' 'if false {'

[ -n "$fits" ] && exit
printf '\n%s caught, %s survived\n' "$caught" "$survived"
[ "$survived" -eq 0 ]
