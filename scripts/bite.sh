#!/usr/bin/env bash
# Shows that the tests of crashes and of damage bite: takes each sync and each check of the page file and of a database's journal away, one at a time, and runs
# these tests. One of them must fail.
#
#   scripts/bite.sh [--fits] [PATTERN...]
#
# --fits: only tells whether all mutants can still be made. PATTERN: only those whose number, file and words match it, an extended regular expression. Exits with 1 where one survives. A
# mutant that no longer fits the sources ends the script.
#
# All mutants are compiled into one program, in a copy of the sources: SAPWOOD_MUTANT=number says which one it is to be.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
fits=
[ "${1:-}" = --fits ] && fits=1 && shift
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
(cd "$root" && git ls-files -z | xargs -0 cp --parents -t "$copy" --)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/bite}
export SAPWOOD_CRASH_IMAGES=${SAPWOOD_CRASH_IMAGES:-20000} SIM_SEED=${SIM_SEED:-1} RUST_BACKTRACE=0

numbers=() names=()

# mutant FILE WHAT FROM TO: FROM is a Perl pattern over the whole file; `.` does not match the end of a line. What it matches is an expression, or a statement with its semicolon, and so is TO. Or
# else TO says BITE, which is whether it is this mutant's turn, and perhaps ORIGINAL, and is put there as it is.
mutant() {
    local file=src/$1 what=$2 number=$((${#names[@]} + 1))
    names+=("$(printf '%-28s %s' "$1" "$what")")
    cp "$copy/$file" "$copy/unchanged"
    NUMBER=$number FROM=$3 TO=$4 perl -0777 -pi -e '
        s{$ENV{FROM}}{
            my ($from, $to, $turn) = ($&, $ENV{TO}, "crate::bite($ENV{NUMBER})");
            $to =~ /\bBITE\b/ ? $to =~ s/\bORIGINAL\b/$from/gr =~ s/\bBITE\b/$turn/gr
                : $from =~ /;$/ ? "if $turn { $to } else { $from }" : "(if $turn { $to } else { $from })"
        }me' "$copy/$file"
    if cmp -s "$copy/unchanged" "$copy/$file"; then
        echo "bite.sh: the mutant \"$what\" does not fit $file any more" >&2
        exit 2
    fi
    for pattern in "${patterns[@]}"; do
        if grep -qE -- "$pattern" <<<"$number ${names[-1]}"; then
            numbers+=("$number")
            return
        fi
    done
}

patterns=("$@")
[ $# -eq 0 ] && patterns=('')
cat >>"$copy/src/lib.rs" <<'RUST'

fn bite(mutant: u32) -> bool {
    static TURN: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| {
        let turn = std::env::var("SAPWOOD_MUTANT");
        turn.ok().and_then(|turn| turn.parse().ok()).unwrap_or(0)
    });
    *TURN == mutant
}
RUST

file() { mutant "pagefile/$1" "${@:2}"; }

file commits/commit.rs 'no sync after the meta' '^        shared\.sync\(\)\?;$' ''
file commits/commit.rs 'no sync before the meta, of two phases' '^            shared\.sync\(\)\?;$' ''
file commits/commit.rs 'runs named although earlier commits are unsynced' '!writer\.has_unsynced\(\)' 'true'
file commits/commit.rs 'the kept slot is written' '1 - writer\.slot' 'writer.slot'
file commits/commit.rs 'not poisoned while writing' 'shared\.set_poisoned\(true\);' ''
file commits/commit.rs 'the number of a commit may come again' 'writer\.highest \+ 1' 'txn.base.commit + 1'
file commits/unsynced.rs 'no sync before the meta' 'shared\.sync\(\)\?;(?=\s+let meta)' ''
file commits/unsynced.rs 'no sync after the meta' 'shared\.sync\(\)\?;(?=\s+shared\.set_poisoned)' ''
file commits/unsynced.rs 'not poisoned while writing' 'shared\.set_poisoned\(true\);' ''
file page_file.rs 'unsynced commits are left so at close' 'make_durable\(&self\.shared, &mut writer\)\?;' ''
file space/tail.rs 'no sync after the meta of closing' '^    shared\.sync\(\)\?;$' ''
file space/tail.rs 'closing writes over the newest meta' '1 - writer\.slot(?=, &meta)' 'writer.slot'
file commits/settle.rs 'no sync of what was found' 'shared\.sync\(\)\?;' ''
file commits/settle.rs 'the meta of a lost commit stays' 'has_lost(?= \{\s+seal)' 'false'
file medium/create.rs 'no sync before the name' 'temporary\.file\.sync_all\(\)\.map_err\(Error::io\("sync"\)\)\?;' ''
file medium/create.rs 'no sync of the folder' 'sync_folder\(path\)\.map_err\(Error::io\("sync the folder of"\)\)\?;' ''
file medium/file_storage.rs 'a sync that does nothing' 'self\.file\.sync_data\(\)' 'Ok(())'
file open.rs 'no sync of a new file' 'storage\.sync\(\)\.map_err\(Error::io\("sync"\)\)' 'Ok(())'
file open.rs 'runs of the commit are not verified' '!meta\.runs\.is_empty\(\) && chain\.sum\(\) != meta\.runs_sum' 'false'
file open.rs 'the length is not compared' 'len < expected(?= \{)' 'false'
file open.rs 'a newer format in one slot is passed by' '(?<=let Some\(found\) = )newer(?= \{)' 'newer.filter(|_| metas.iter().all(Option::is_none))'
file writer.rs 'the older state is not kept at open' '(?<=if let Some\(meta\) = )self\.older\.take\(\)' 'self.older.take().filter(|_| false)'
file writer.rs 'the older state is not kept' '\*commit < self\.older_durable' '*commit < self.durable'
file writer.rs 'readers are not waited for' 'Arc::get_mut\(snapshot\)\.is_none\(\)' 'false'
file format/meta.rs 'no checksum of the slot' 'sum != get_u64\(slot, SUM\)' 'false'
file format/meta.rs 'any page size' '!is_page_size\(page_size\)' 'page_size == 0'
file format/meta.rs 'any number of pages' 'pages < first \|\| pages > i64::MAX as u64 / u64::from\(page_size\)' 'false'
file format/meta.rs 'fewer pages than the head' 'pages < first' 'false'
file format/meta.rs 'more pages than can be' 'pages > i64::MAX as u64 / u64::from\(page_size\)' 'false'
file format/meta.rs 'any length of runs and tree' 'journal_at \+ Stretches::len\(Stretches::number\(stretches\)\) > SUM' 'false'
file format/meta.rs 'runs in any order' 'run\.start < free_from' 'false'
file format/meta.rs 'runs of no page' 'run\.pages == 0' 'false'
file format/meta.rs 'runs behind the end' 'end > pages' 'false'
file format/meta.rs 'any commit number' 'commit > i64::MAX as u64' 'false'
file format/meta.rs 'the tree in the slot is not validated' 'validate\(leaf\)\.ok\(\)\?;' ''
file format/meta.rs 'the tree in the slot may be a branch' 'header\.level == 0' 'true'
file source.rs 'no checksum of pages' 'checksum::of\(bytes\) == run\.checksum' 'true'
file source.rs 'nodes are not validated' '(?<=Kind::Node, )validate' '|bytes| if BITE { Ok(()) } else { validate(bytes) }'
file source.rs 'any level below a branch' 'level\.is_some_and\(\|level\| level != node\.level\(\)\)' 'false'
file source.rs 'runs of no page' 'run\.pages == 0' 'false'
file source.rs 'pages in the head' 'run\.page < first_page\(self\.page_size\)' 'false'
file source.rs 'pages behind the end' 'end\.is_none_or\(\|end\| end > self\.pages\)' 'false'
file source.rs 'any page is a value' 'Some\(&KIND_VALUE\) => Ok\(\(\)\),' 'ORIGINAL Some(_) if BITE => Ok(()),'
file format/page.rs 'any kind of page' 'KIND_LEAF if level == 0 => \{\}' 'ORIGINAL _ if BITE && level == 0 => {}'
file format/page.rs 'a branch of level 0' 'KIND_LEAF if level == 0 => \{\}' 'ORIGINAL KIND_BRANCH if BITE && level == 0 => {}'
file format/page.rs 'nodes without an entry' 'count == 0' 'false'
file format/page.rs 'more used than there is' 'used > page\.len\(\)' 'false'
file format/page.rs 'more entries than there is room for' 'count > \(page\.len\(\) - HEADER\.min\(page\.len\(\)\)\) / SLOT' 'false'
file format/page.rs 'leaf entries behind the end' 'key\.end \+ stored\.stored_len\(\) > page\.len\(\)' 'false'
file format/page.rs 'branch entries behind the end' 'key\.end > page\.len\(\)' 'false'
file format/page.rs 'entries anywhere' 'place\(\*slot\) != at' 'false'
file format/page.rs 'a first child with a key' 'header\.level > 0 && i == 0 && !key\.is_empty\(\)' 'false'
file format/page.rs 'keys in any order' 'previous\.is_some_and\(\|previous\| previous >= key\)' 'false'
file format/page.rs 'any head of a key' 'head_of\(\*slot\) != head\(key, prefix\)' 'false'
file format/page.rs 'any length of what keys share' 'header\.prefix != prefix_of\([^{]*(?= \{)' 'false'
file format/page.rs 'any end of the entries' 'at != header\.used' 'false'
file walk.rs 'pages are reached twice' 'is_other \|\| !self\.seen\.insert\(page\)' '{ let _ = self.seen.insert(page); is_other }'
file walk.rs 'pages of later commits' 'node\.commit\(\) > self\.commit' 'false'
file walk.rs 'keys out of the bounds of the parent' 'low\.is_some_and\(\|low\| lowest < low\) \|\| high\.is_some_and\(\|high\| highest >= high\)' 'false'
file walk.rs 'any number of keys' 'keys == record\.rows' 'true'
file walk.rs 'any number of buckets' 'buckets == record\.buckets' 'true'
# A value among the buckets has no mutant: it is a key too many as well, and refused for that.
file walk.rs 'the check does not read values' '(?<=if )self\.deep(?= \{)' 'false'
logged() { mutant "pagefile/log/$1" "${@:2}"; }

logged append.rs 'no sync of what was found' 'settle_found\(&shared, writer\)\?;' ''
logged append.rs 'logged although earlier commits are unsynced' 'writer\.has_unsynced\(\)' 'false'
logged append.rs 'a number comes again' 'writer\.highest = commit;' ''
logged append.rs 'shown before it is written' '(?=    if !writer\.log\.appender\.append)' '    if BITE { let logged = Logged { stored: Snapshot::stored(&txn.base), opened: txn.work.opened.kept() }; shared.replace(Arc::new(Snapshot::logged(commit, logged))); }
'
logged record.rs 'what the trees have is done again' 'record\.commit <= stored' 'false'
logged record.rs 'a record may follow any commit' 'record\.follows != newest' 'false'
logged replay.rs 'pages that the log has replaced are forgotten' 'work\.freed' 'Vec::new()'
logged recorded.rs 'what is undone stays in the record' 'self\.bytes\.truncate\(mark\.len\);' ''
logged recorded.rs 'anything is said by a record' '^        self\.is_whole = false;$' ''
file commits/commit.rs 'pages that the log has replaced are forgotten' '(?<=let mut freed = )mem::take\(&mut writer\.log\.freed\)' 'Vec::new()'
file commits/commit.rs 'readers of the log hold nothing' '(?<=let before = )Snapshot::stored\(&txn\.base\)' 'Arc::clone(&txn.base)'
# From here on they are of whole databases.
databases=${#names[@]}
journal() { mutant "pagefile/journal/$1" "${@:2}"; }

journal group.rs 'no checksum of the header' 'get_u64\(header, HEADER_SUM\) != Some\(checksum::of\(&header\[\.\.HEADER_SUM\]\)\)' 'false'
journal group.rs 'no checksum of the records' 'checksum::of\(pages\.get\(HEADER\.\.\)\?\) != self\.sum' 'false'
next='\(header\.stretch, header\.page, header\.group\)\s+== \(stretch\.number, place\.page, place\.group\)'
journal replay.rs 'groups of any number' "$next" '(header.stretch, header.page) == (stretch.number, place.page)'
journal replay.rs 'groups of any stretch' "$next" '(header.page, header.group) == (place.page, place.group)'
journal replay.rs 'groups of any place' "$next" '(header.stretch, header.group) == (stretch.number, place.group)'
journal replay.rs 'a torn end is taken for damage' 'header\.group > end\.group' 'header.group >= end.group'
journal replay.rs 'damage is taken for a torn end' 'header\.group > end\.group' 'false'
journal replay.rs 'the next stretch is passed by' '\[end, next\]' '[end, end]'
journal replay.rs 'the last group is passed by' 'for record in records' 'if BITE && reader.group(End { page: place.page + header.pages, group: place.group + 1, ..place }, &mut Vec::new())?.is_none() { break; } ORIGINAL'
journal replay.rs 'the first record of a group is all' 'for record in records' 'ORIGINAL.into_iter().take(if BITE { 1 } else { usize::MAX })'
file shared.rs 'no sync of a group' 'self\.sync\(\)(?=;\s+\};)' 'Ok(())'
file shared.rs 'the sync of a group is not waited for' 'self\.sync\(\)(?=[ })]*;\s+\};)' '{ let storage = Arc::clone(&self.medium.storage); std::thread::spawn(move || storage.sync()); Ok(()) }'
journal append.rs 'no sync of what was found' 'self\.shared\.sync\(\)(?=\s+\})' 'Ok(())'
file shared.rs 'not poisoned by a group that failed' 'written\.inspect_err\(\|_\| self\.fail\(\)\)' 'written'
journal append.rs 'a group may end behind its stretch' '<= stretch\.run\.pages\)' '<= if BITE { u64::MAX } else { stretch.run.pages })'
journal append.rs 'the beginning goes past the checkpoint' '(?<=passed = )self\.groups\.partition_point\(\|\(_, marked\)\| \*marked <= mark\)' 'self.groups.len()'
file commits/commit.rs 'a stretch is given back before its time' 'let journal = stretches\(txn, writer\)\?;' 'let mut journal = stretches(txn, writer)?; if BITE { for run in mem::take(&mut journal.dropped) { writer.give_back(run); } }'
file commits/commit.rs 'the meta of a new stretch in one slot only' 'durable && journal\.moves' 'false'
mutant durable/transfer.rs 'a checkpoint is told to have it all' 'let mut txn = slices\.take\(\)\?;(?=\s+set_revision\(&mut txn, to)' 'let mut txn = { let mut txn = slices.take()?; if BITE { drop(txn); txn = file.begin_write()?; } txn };'
mutant durable/transfer.rs 'a checkpoint without its revision' 'set_revision\(&mut txn, to\.revision\(\)\.get\(\)\)\?;(?=\s+journal)' ''
mutant db/commit/core.rs 'published before it is written' 'persist\.write\(&mut records, &version\)' '{ drop(self.current.swap(version.clone())); persist.published(&version); persist.write(&mut records, &version) }'
mutant db/commit/core.rs 'published although it was not written' 'Ok\(Err\(error\)\) => Some\(\(error, Ok\(\(\)\)\)\),' 'Ok(Err(_)) if BITE => None, ORIGINAL'

[ -n "$fits" ] && exit
if ! (cd "$copy" && cargo test --no-run --lib --test crash --test flip --test pagefile_log --test database_crash --test group_commit --test journal_open 2>&1) >"$copy/out"; then
    echo "bite.sh: with its mutants it does not compile" >&2
    cat "$copy/out" >&2
    exit 2
fi
declare -A program
while read -r path; do
    name=${path##*/}
    program[${name%-*}]=$path
done < <(sed -n 's/^ *Executable .*(\(.*\))$/\1/p' "$copy/out")

# stage TURN TEST ARGUMENT...: runs tests, and says which one fails.
stage() {
    local status=0
    (cd "$copy" && SAPWOOD_MUTANT=$1 timeout 1500 "${program[$2]}" --quiet "${@:3}" >"$copy/out" 2>&1) || status=$?
    if [ "$status" -eq 124 ]; then
        echo "$2 (does not end)"
    elif [ "$status" -ne 0 ]; then
        # Not every failure has a name: a signal ends all tests at once.
        echo "$2 $(sed -n 's/^    \([a-z_:]*\)$/\1/p' "$copy/out" | head -1)"
    fi
}

# What to run for a mutant: those tests first that are likeliest to fail, and that fail soon.
stages_for() {
    case $1,$2 in
    1,*) stages=('database_crash' 'group_commit' 'sapwood pagefile::journal' 'journal_open') ;;
    *meta.rs* | *source.rs* | *page.rs* | *walk.rs*) stages=('flip structure told lengths' 'flip hostile' 'flip bytes pages' 'crash') ;;
    *log/* | *'the log'*) stages=('pagefile_log' 'crash every_crash' 'crash --skip every_crash' 'flip') ;;
    *create.rs* | *file_storage.rs*) stages=('crash calls' 'crash' 'flip') ;;
    *) stages=('crash every_crash' 'crash --skip every_crash' 'flip') ;;
    esac
}

# As they are, all must pass; else their failing says nothing.
for test in crash flip pagefile_log database_crash group_commit journal_open 'sapwood pagefile::journal'; do
    by=$(stage 0 $test)
    if [ -n "$by" ]; then
        echo "bite.sh: without a mutant, too: $by" >&2
        cat "$copy/out" >&2
        exit 2
    fi
done

survived=0 caught=0
for number in "${numbers[@]}"; do
    name=${names[number - 1]} by=
    stages_for $((number > databases)) "$name"
    for stage in "${stages[@]}"; do
        by=$(stage "$number" $stage)
        [ -n "$by" ] && break
    done
    if [ -n "$by" ]; then caught=$((caught + 1)); else survived=$((survived + 1)); fi
    printf '%3s  %-88s %s\n' "$number" "$name" "${by:-SURVIVED}"
done
printf '\n%s caught, %s survived\n' "$caught" "$survived"
[ "$survived" -eq 0 ]
