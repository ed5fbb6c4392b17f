#!/usr/bin/env bash
# Checks what a package gets that depends on this one with traits: ["LMDB"], and with traits: []: few packages and none of
# the heavy ones, and steps of the tutorials that build, run, pass their tests and print what the tutorials say.
#
# That the core needs no LMDB headers is shown so: its build finds an lmdb.h first that cannot be compiled, and a control
# shows that this header does stop code that reads it.
set -euo pipefail
cd "$(dirname "$0")/../.."
source Tests/Scripts/tutorial-state.sh

root=$PWD
work=$root/.build-consumer
max_packages=6
heavy='async-http-client|swift-nio.*|hummingbird.*|grdb.*|.*rabbitmq.*|.*kafka.*|swift-crypto|swift-argument-parser|swift-configuration|swift-system'

fail() {
    echo "error: $*" >&2
    exit 1
}

# make_package NAME TRAITS PRODUCTS TARGETS TESTS STEP... : writes a package with one executable for each step of the first
# tutorial, and with the targets and tests that add_tutorial writes.
make_package() {
    local name=$1 traits=$2 products=$3 steps="" tests="" product_list="" step
    for step in $4; do steps+="\"$step\", "; done
    for step in $5; do tests+="\"$step\", "; done
    shift 5
    mkdir -p "$work/$name"
    # Its identity must not depend on the name of the folder of the checkout.
    ln -sfn "$root" "$work/AfterCommit"
    for step in "$@"; do
        steps+="\"Step$step\", "
        mkdir -p "$work/$name/Sources/Step$step"
        copy_if_changed "Docs.docc/Tutorials/YourFirstEvent/first-event-$step.swift" \
            "$work/$name/Sources/Step$step/main.swift"
    done
    for product in $products; do product_list+=".product(name: \"$product\", package: \"AfterCommit\"), "; done
    sed -e "s/@TRAITS@/$traits/" -e "s/@STEPS@/${steps%, }/" -e "s/@TESTS@/${tests%, }/" -e "s/@PRODUCTS@/$product_list/" \
        Tests/Consumer/Package.swift.in >"$work/$name.manifest"
    copy_if_changed "$work/$name.manifest" "$work/$name/Package.swift"
}

# add_tutorial NAME TARGET FOLDER STEP : gives a package what a tutorial of several files has after a step.
add_tutorial() {
    tutorial_state "Docs.docc/Tutorials/$3" "$4" "$work/$1/Sources/$2" "$work/$1/Tests/$2Tests"
}

copy_if_changed() { cmp -s "$1" "$2" || cp "$1" "$2"; }

# check_packages NAME : counts what it resolves, itself and AfterCommit excluded.
check_packages() {
    local packages count
    packages=$(swift package --package-path "$work/$1" show-dependencies --format json 2>"$work/$1.log" \
        | sed -n 's/^ *"identity" *: *"\(.*\)",*$/\1/p' | sort -u | grep -vx -e "$1" -e consumer -e aftercommit) \
        || { cat "$work/$1.log" >&2; fail "the consumer $1 does not resolve"; }
    count=$(wc -l <<<"$packages" | tr -d ' ')
    if grep -Eix "$heavy" <<<"$packages" >&2; then fail "the consumer $1 resolves the packages above"; fi
    [ "$count" -le "$max_packages" ] || fail "the consumer $1 resolves $count packages, more than $max_packages:" $packages
    echo "Consumer $1: $count packages:" $packages
    [ "$1" != lmdb ] || grep -q "resolves $count packages" README.md || fail "README.md does not say that it resolves $count packages"
}

# build NAME [ARGUMENTS] : builds in the package's own scratch folder.
build() {
    # The build folder outlives a run, and a cached plan does not see files that were added to the package since.
    swift build "${@:2}" --disable-build-manifest-caching --package-path "$work/$1" >"$work/$1.log" 2>&1 || { cat "$work/$1.log" >&2; fail "the consumer $1 does not build"; }
}

# expect NAME TARGET LINES [ARGUMENTS] : runs a step in the folder of its package and compares what it prints.
expect() {
    local name=$1 step=$2 expected=$3 printed
    shift 3
    printed=$(cd "$work/$name" && limited ".build/debug/$step" "$@" 2>"$work/$name.log") \
        || { cat "$work/$name.log" >&2; fail "$step of the tutorials failed"; }
    [ "$printed" = "$expected" ] || fail "$step of the tutorials printed:
$printed
instead of:
$expected"
}

limited() { if command -v timeout >/dev/null 2>&1; then timeout 120 "$@"; else "$@"; fi; }

add_tutorial core Outage WhenThePlatformBreaks 99
make_package core '' 'AfterCommit' Outage '' 07 11
check_packages core
mkdir -p "$work/no-lmdb"
echo '#error "a build without the trait LMDB reads lmdb.h"' >"$work/no-lmdb/lmdb.h"
if echo 'import CLMDB' | CPATH="$work/no-lmdb" swiftc -typecheck -I Sources/CLMDB \
    -module-cache-path "$work/no-lmdb/modules" - 2>/dev/null; then
    fail "the header that cannot be compiled stops nothing: the check of the core proves nothing"
fi
CPATH="$work/no-lmdb" build core
! grep -q CLMDB "$work/core/.build/debug.yaml" || fail "the core's build names CLMDB"
expect core Step07 $'delivered 42 on attempt 1/4\nrolled back'
expect core Step11 $'attempt 1/3\nattempt 2/3\nattempt 3/3\ndead letter: exhausted after 3 attempts, Unavailable|-|data-platform\nattempt 1/3\nreceived 42'
expect core Outage 'slow:
  dead after 4 attempts: exhausted, timeout|-|data-platform
500:
  dead after 4 attempts: exhausted, http.500|500|data-platform
  4 attempts, breaker closed
429:
  received 1, and waited as it was asked to: true
429, for two minutes:
  1 waits, 0 attempts charged
down:
  breaker open: 20 wait, 5 attempts
  parked because of breakerOpen
  breaker closed: received 20, dead 0
400:
  dead after 1 attempts: permanent, http.400|400|data-platform
  dead after 1 attempts: permanent, http.400|400|data-platform
  dead after 1 attempts: permanent, http.400|400|data-platform
  breaker closed
  3 match
  3 redriven, received 3'
echo "Consumer core: builds without LMDB's headers and runs."

add_tutorial lmdb Shop PlaceAnOrder 99
make_package lmdb '"LMDB"' 'AfterCommit AfterCommitLMDB' Shop Shop 13 14
check_packages lmdb
build lmdb --build-tests
grep -q CLMDB "$work/lmdb/.build/debug.yaml" || fail "the build with LMDB does not name CLMDB: the check of the core proves nothing"
rm -rf "$work/lmdb/shop.lmdb" "$work/lmdb/orders.lmdb"
expect lmdb Step13 'delivered 42 on attempt 1/4'
(cd "$work/lmdb" && limited .build/debug/Step14 --crash >/dev/null 2>&1) && fail "the crash of step 14 ended well"
expect lmdb Step14 'delivered 42 on attempt 1/4'
expect lmdb Shop $'rejected 0\nreceived 42\norders in the store: 1'
limited swift test --skip-build --package-path "$work/lmdb" >"$work/lmdb.log" 2>&1 \
    || { cat "$work/lmdb.log" >&2; fail "the tests of the tutorial fail"; }
grep -q 'Test run with 5 tests.* passed' "$work/lmdb.log" || { cat "$work/lmdb.log" >&2; fail "the tutorial has other tests than 5"; }
echo "Consumer lmdb: builds, runs, passes its tests, and delivers after kill -9 what was committed before."
