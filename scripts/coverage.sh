#!/usr/bin/env bash
# Which lines the tests run, as a table of the folders; then, of each file with lines that they do not run, how many.
#
#   scripts/coverage.sh [FILE...]
#
# With names of source files it prints the lines of these that no test runs, of what was measured last; without, it measures. Tests of page files and of faulty
# disks, which are slow, programs that other tests start, and examples in the documentation are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=$PWD/target/coverage
lcov=$CARGO_TARGET_DIR/lines.lcov

if [ $# -gt 0 ]; then
    for file; do
        awk -v file="SF:$PWD/$file" '/^SF:/ { on = $0 == file } on && /^DA:.*,0$/ { print substr($0, 4) }' "$lcov" |
            cut -d, -f1 | while read -r line; do sed -n "${line}{s|^|$file:$line: |;p}" "$file"; done
    done
    exit
fi

host=$(rustc -vV | sed -n 's/^host: //p')
tools=$(rustc --print sysroot)/lib/rustlib/$host/bin
if [ ! -x "$tools/llvm-cov" ] && ! rustup component add llvm-tools; then
    echo "missing: the compiler's llvm-tools (rustup component add llvm-tools)" >&2
    exit 1
fi
if ! cargo llvm-cov --version >/dev/null 2>&1 && ! cargo install cargo-llvm-cov --locked --target-dir "$CARGO_TARGET_DIR/tools"; then
    echo "missing: cargo-llvm-cov (cargo install cargo-llvm-cov)" >&2
    exit 1
fi

tests=()
for test in tests/*.rs tests/*/main.rs; do
    test=${test#tests/}
    test=${test%/main.rs}
    case ${test%.rs} in
        pagefile_* | fault_* | orchestrator | examples | soak) ;;
        *) tests+=(--test "${test%.rs}") ;;
    esac
done
export PROPTEST_CASES="${PROPTEST_CASES:-24}"
cargo llvm-cov clean --workspace
cargo llvm-cov --no-report --no-fail-fast --workspace --all-features --lib "${tests[@]}"
cargo llvm-cov report --lcov --output-path "$lcov"
# The derive macros run inside of the compiler, that of the tests and that of `tests/ui`.
profile=$(find "$CARGO_TARGET_DIR/llvm-cov-target" -maxdepth 1 -name '*.profdata')
mapfile -t macros < <(find "$CARGO_TARGET_DIR" -name 'libsapwood_derive-*.so' -printf '-object\n%p\n')
"$tools/llvm-cov" export -format=lcov -instr-profile "$profile" "${macros[@]}" --sources schema-derive/src >>"$lcov"

# Sums of the lines, by what a file is counted under.
sums() {
    awk -v root="$PWD/" -v by="$1" '
        /^SF:/ { file = substr($0, 4); sub(root, "", file) }
        /^DA:/ { split(substr($0, 4), line, ","); all[file]++; run[file] += line[2] > 0 }
        END {
            for (file in all) {
                under = file
                if (by == "folder") {
                    split(file, part, "/")
                    under = part[1] == "src" ? "src/" part[2] : part[1]
                }
                lines[under] += all[file]
                runs[under] += run[file]
            }
            for (under in lines)
                printf "%-32s %6d of %6d  %5.1f %%\n", under, runs[under], lines[under], 100 * runs[under] / lines[under]
        }' "$lcov" | sort
}
printf '\n'
sums folder
printf '\n'
sums file | awk '$2 != $4'
