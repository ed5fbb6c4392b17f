#!/usr/bin/env bash
# Kills place-order with SIGKILL at random moments and checks that no acknowledged order is lost.
#
#   PLACE_ORDER=.build-all/release/place-order STORAGE=outbox DATABASE=lmdb Tests/CrashRounds/crash-rounds.sh [rounds]
#
# Each round places orders into a store until it is killed, then resumes the same store. An order is acknowledged
# when its id was written after its commit returned; it has arrived when the data platform's ledger has its id.
# Both files are written by processes that hand each line to the system at once, so a killed process loses none.
#
# PLACE_ORDER  the program. Default .build-all/debug/place-order
# STORAGE      outbox or status. Default outbox
# DATABASE     lmdb, sqlite or postgres, which gets a server of its own. Default lmdb
# ROUNDS       how many rounds. Default 50
# SEED         the same seed kills after the same delays. Default random
set -euo pipefail

storage=${STORAGE:-outbox}
kind=${DATABASE:-lmdb}
rounds=${1:-${ROUNDS:-50}}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$((seed % 32768))
. "$(dirname "$0")/processes.sh"
errors=$folder/place-order.errors

# Names a store in `store`, and where it is on the disk in `path`.
use_store() {
    store=(--storage "$storage" --database "$kind")
    path=$folder/$1
    case $kind in
    postgres)
        path=$data
        # What a killed process has claimed is free after the lease, which is longer than the platform's timeout.
        store+=(--database-url "${database%/*}/$1" --lease 2s)
        ;;
    *) store+=(--store "$path") ;;
    esac
}

make_store() { if [[ $kind == postgres ]]; then make_database "$1"; fi; }

# Places orders into the store and is killed after 30 to 900 ms.
place_orders_and_die() {
    local victim
    "$program" run "${store[@]}" --orders 10000000 --json --platform-url "$url" --acknowledged "$folder/acknowledged" \
        --log-level warning >/dev/null 2>>"$errors" {server_input}>&- &
    victim=$!
    sleep "$(printf '0.%03d' $((30 + RANDOM % 871)))"
    kill -KILL "$victim" 2>/dev/null || fail "a process ended before it was killed (seed $seed)"
    wait "$victim" 2>/dev/null || true
}

: >"$folder/acknowledged"
export MOCK_DATA_PLATFORM_TIMEOUT_MS=1500
if [[ $kind == postgres ]]; then start_server; fi
start_platform 1ms
make_store store

for ((round = 1; round <= rounds; round++)); do
    # One store with a growing history, and now and then a fresh one, killed while it is made.
    use_store store
    if ((round % 10 == 0)); then
        make_store "store_$round"
        use_store "store_$round"
    fi
    before=$(count "$folder/acknowledged")
    place_orders_and_die
    # A process killed before its store was whole has acknowledged nothing, and there is nothing to resume.
    if [[ ! -e $path ]] && (($(count "$folder/acknowledged") == before)); then continue; fi
    # The process that recovers may die too.
    if ((round % 5 == 0)); then place_orders_and_die; fi
    "$program" resume "${store[@]}" --platform-url "$url" --json --log-level warning \
        >"$folder/report" 2>>"$errors" {server_input}>&- \
        || fail "round $round: resume failed (seed $seed): $(<"$folder/report")"
    missing=$(lost)
    if ((missing > 0)); then printf 'round %s: %s acknowledged orders have not arrived\n' "$round" "$missing" >&2; fi
done

acknowledged=$(count "$folder/acknowledged")
missing=$(lost)
events=$(cut -d ' ' -f 1 "$folder/ledger" | sort -u | wc -l | tr -d ' ')
duplicates=$(($(count "$folder/ledger") - events))
printf '%s %s rounds %s acknowledged %s lost %s duplicates %s\n' \
    "$kind" "$storage" "$rounds" "$acknowledged" "$missing" "$duplicates"
((missing == 0)) || fail "acknowledged orders were lost (seed $seed)"
((acknowledged > 0)) || fail "no order was acknowledged, so nothing was proven (seed $seed)"
