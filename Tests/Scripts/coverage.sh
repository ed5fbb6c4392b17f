#!/usr/bin/env bash
# Runs the tests that need neither HTTP nor a server with coverage, and prints the share of lines that they reach of the
# core and of the store. The toolchain's own llvm-cov is used: the system's may be too old to read its data.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=(--scratch-path .build-coverage --traits LMDB)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift test --enable-code-coverage "${build[@]}" >"$log" 2>&1 || { tail -50 "$log" >&2; exit 1; }
binaries=$(swift build "${build[@]}" --show-bin-path)
tests=$(find "$binaries" -maxdepth 1 -name '*.xctest' | head -1)
[ ! -d "$tests" ] || tests="$tests/Contents/MacOS/$(basename "$tests" .xctest)"
cov="$(dirname "$(readlink -f "$(command -v swift)")")/llvm-cov"
[ -x "$cov" ] || cov=$(xcrun --find llvm-cov)
for target in AfterCommit AfterCommitLMDB; do
    # The columns of its last line: regions, functions, lines, each with count, missed and share.
    "$cov" report "$tests" -instr-profile "$binaries/codecov/default.profdata" "$PWD/Sources/$target/" |
        awk -v target="$target" '$1 == "TOTAL" { printf "%-16s %s of %d lines\n", target, $10, $8 }'
done
