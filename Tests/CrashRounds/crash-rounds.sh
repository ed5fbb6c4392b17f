#!/usr/bin/env bash
# Kills place-order with SIGKILL at random moments and checks that no acknowledged order is lost.
#
#   PLACE_ORDER=.build/release/place-order Tests/CrashRounds/crash-rounds.sh [rounds]
#
# Each round places orders into an outbox until it is killed, then resumes the same store. An order is acknowledged
# when its id was written after its commit returned; it has arrived when the data platform's ledger has its id.
# Both files are written by processes that hand each line to the system at once, so a killed process loses none.
#
# PLACE_ORDER  the program. Default .build/debug/place-order
# ROUNDS       how many rounds. Default 50
# SEED         the same seed kills after the same delays. Default random
set -euo pipefail

program=${PLACE_ORDER:-.build/debug/place-order}
rounds=${1:-${ROUNDS:-50}}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$((seed % 32768))

folder=$(mktemp -d)
platform=
victim=

clean_up() {
    for process in $victim $platform; do
        kill -KILL "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap clean_up EXIT

fail() {
    printf 'crash-rounds: %s (seed %s)\n' "$1" "$seed" >&2
    if [[ -s $folder/errors ]]; then tail -n 20 "$folder/errors" >&2; fi
    exit 1
}

# Places orders into a store and is killed after 30 to 900 ms.
place_orders_and_die() {
    "$program" run --storage outbox --database lmdb --store "$1" --orders 10000000 --json --platform-url "$url" \
        --acknowledged "$folder/acknowledged" --log-level warning >/dev/null 2>>"$folder/errors" &
    victim=$!
    sleep "$(printf '0.%03d' $((30 + RANDOM % 871)))"
    kill -KILL "$victim" 2>/dev/null || fail "a process ended before it was killed"
    wait "$victim" 2>/dev/null || true
    victim=
}

start_platform() {
    : >"$folder/ledger"
    : >"$folder/platform"
    "$program" platform --port 0 --ledger "$folder/ledger" --platform-latency 1ms 2>"$folder/platform" &
    platform=$!
    url=
    while [[ -z $url ]]; do
        kill -0 "$platform" 2>/dev/null || fail "the data platform did not start: $(<"$folder/platform")"
        if [[ $(<"$folder/platform") =~ (http://127\.0\.0\.1:[0-9]+) ]]; then url=${BASH_REMATCH[1]}; fi
        sleep 0.02
    done
}

count() { wc -l <"$1" | tr -d ' '; }

# Acknowledged orders that the ledger does not have.
lost() {
    sort -u "$folder/acknowledged" >"$folder/acknowledged.sorted"
    cut -d ' ' -f 2 "$folder/ledger" | sort -u >"$folder/arrived.sorted"
    comm -23 "$folder/acknowledged.sorted" "$folder/arrived.sorted" | wc -l | tr -d ' '
}

[[ -x $program ]] || fail "$program is no program; build it and name it in PLACE_ORDER"
: >"$folder/acknowledged"
: >"$folder/errors"
start_platform

for ((round = 1; round <= rounds; round++)); do
    # One store with a growing history, and now and then a fresh one, killed while it is made.
    store=$folder/store
    if ((round % 10 == 0)); then store=$folder/store-$round; fi
    before=$(count "$folder/acknowledged")
    place_orders_and_die "$store"
    # A process killed before its store was whole has acknowledged nothing, and there is nothing to resume.
    if [[ ! -e $store ]] && (($(count "$folder/acknowledged") == before)); then continue; fi
    # The process that recovers may die too.
    if ((round % 5 == 0)); then place_orders_and_die "$store"; fi
    "$program" resume --store "$store" --platform-url "$url" --json --log-level warning \
        >"$folder/report" 2>>"$folder/errors" || fail "round $round: resume failed: $(<"$folder/report")"
    missing=$(lost)
    if ((missing > 0)); then printf 'round %s: %s acknowledged orders have not arrived\n' "$round" "$missing" >&2; fi
done

acknowledged=$(count "$folder/acknowledged")
missing=$(lost)
events=$(cut -d ' ' -f 1 "$folder/ledger" | sort -u | wc -l | tr -d ' ')
duplicates=$(($(count "$folder/ledger") - events))
printf 'rounds %s acknowledged %s lost %s duplicates %s\n' "$rounds" "$acknowledged" "$missing" "$duplicates"
((missing == 0)) || fail "acknowledged orders were lost"
((acknowledged > 0)) || fail "no order was acknowledged, so nothing was proven"
