#!/usr/bin/env bash
# PostgreSQL crashes and starts again twice while orders are placed. No acknowledged order is lost, and none is rejected that
# was committed.
#
#   PLACE_ORDER=.build-all/release/place-order Tests/CrashRounds/restart-rounds.sh outbox|status
#
# PLACE_ORDER  the program, built with the trait Postgres. Default .build-all/debug/place-order
# ORDERS       how many orders are placed. Default 10000
set -euo pipefail

storage=${1:-outbox}
orders=${ORDERS:-10000}
. "$(dirname "$0")/processes.sh"

start_server
start_platform 1ms
store=(--storage "$storage" --database postgres --database-url "$database" --platform-url "$url")
: >"$folder/acknowledged"
"$program" run "${store[@]}" --orders "$orders" --concurrency 32 --json --acknowledged "$folder/acknowledged" \
    --log-level notice >"$folder/report" 2>"$folder/run.errors" {server_input}>&- &
run=$!

# Restarts at a moment at which so many orders are acknowledged and more are being placed.
restart_at() {
    while (($(count "$folder/acknowledged") < $1)); do
        kill -0 "$run" 2>/dev/null || fail "the run ended early: $(<"$folder/report")"
        sleep 0.02
    done
    restart_server
    (($(count "$folder/acknowledged") < orders)) || fail "all orders were placed before the restart, so nothing was proven"
}
restart_at $((orders / 4))
restart_at $((orders * 5 / 8))

status=0
wait "$run" || status=$?
number_of() { sed -E "s/.*\"$1\":([0-9]+).*/\1/" "$folder/report"; }
accepted=$(number_of accepted)
rejected=$(number_of rejected)
pending=$(number_of pending)
dead=$(number_of deadLettered)
# What is pending is an earlier process's to deliver; there should be none.
if ((status != 0)); then
    "$program" resume "${store[@]}" --json --log-level warning >"$folder/resumed" 2>"$folder/resume.errors" \
        {server_input}>&- || fail "resume failed: $(<"$folder/resumed")"
fi

query "SELECT upper(id::text) FROM orders" | sort >"$folder/rows"
sort "$folder/acknowledged" >"$folder/acknowledged.sorted"
missing=$(lost)
without_row=$(comm -23 "$folder/acknowledged.sorted" "$folder/rows" | wc -l | tr -d ' ')
rejected_rows=$(comm -13 "$folder/acknowledged.sorted" "$folder/rows" | wc -l | tr -d ' ')
duplicates=$(($(count "$folder/ledger") - $(arrived | wc -l)))
printf 'storage %s server restarts 2 orders %s accepted %s rejected %s acknowledged %s rows %s lost %s without row %s rejected but committed %s pending %s dead letters %s sent twice %s\n' \
    "$storage" "$orders" "$accepted" "$rejected" "$(count "$folder/acknowledged")" "$(count "$folder/rows")" "$missing" \
    "$without_row" "$rejected_rows" "$pending" "$dead" "$duplicates"
((missing == 0 && without_row == 0)) || fail "acknowledged orders were lost"
((rejected_rows == 0)) || fail "orders were rejected that were committed"
((accepted + rejected == orders && accepted == $(count "$folder/acknowledged"))) || fail "the report does not add up"
((accepted > orders / 2)) || fail "most orders were rejected, so little was proven"
((status == 0)) || fail "the run left something behind: $(<"$folder/report")"
