#!/usr/bin/env bash
# Three relays deliver from one outbox in PostgreSQL while it is filled: one is killed, one is stopped for longer than its
# lease and goes on, and the server crashes and starts again. Every event is settled once, each key's in order.
#
#   PLACE_ORDER=.build-all/release/place-order Tests/CrashRounds/relay-rounds.sh
#
# PLACE_ORDER  the program, built with the trait Postgres. Default .build-all/debug/place-order
# ORDERS       how many orders are placed. Default 10000
set -euo pipefail

orders=${ORDERS:-10000}
. "$(dirname "$0")/processes.sh"

start_server
# So slow that the shop is ahead, and every relay has something in its hands.
start_platform 20ms

store=(--storage outbox --database postgres --database-url "$database")
start_relay() {
    "$program" relay "${store[@]}" --lease 6s --platform-url "$url" --json --log-level warning {server_input}>&- \
        >"$folder/relay-$1" 2>"$folder/relay-$1.errors" &
    relay[$1]=$!
    wait_for "$folder/relay-$1.errors" 'relay delivers'
}
declare -A relay
for number in 1 2 3; do start_relay "$number"; done

# The first relay has made the tables; what is settled is written down in the order of the settlements.
query "
    CREATE TABLE settled (
        place bigint GENERATED ALWAYS AS IDENTITY, xid xid8 DEFAULT pg_current_xact_id(), sequence bigint, orderingkey text);
    CREATE FUNCTION note_settled() RETURNS trigger LANGUAGE plpgsql AS \$\$
    BEGIN
        INSERT INTO settled (sequence, orderingkey) VALUES (OLD.sequence, OLD.orderingkey);
        RETURN NULL;
    END \$\$;
    CREATE TRIGGER note_settled AFTER DELETE ON outbox_deliveries FOR EACH ROW EXECUTE FUNCTION note_settled();"

# Plain inserts, as any client makes them, of a hundred orders each; once more where the server was away. Fifty keys are those
# of four inserts, so that their events lie with several relays; of keys that are in every insert, one relay has them all.
place_orders() {
    local batch
    for ((batch = 0; batch < orders / 100; batch++)); do
        until query "
            INSERT INTO outbox_events (id, aggregatetype, aggregateid, type, payload, orderingkey)
            SELECT id, 'order', id, 'order.placed', jsonb_build_object('orderID', id, 'customer', 'c', 'total', 1),
                'customer-$((batch / 4))-' || i % 50
            FROM (SELECT md5('order-$batch-' || i)::uuid AS id, i FROM generate_series(1, 100) i) o
            ON CONFLICT DO NOTHING" 2>>"$folder/shop.errors"; do
            sleep 0.2
        done
    done
}
place_orders &
shop=$!
until_arrived() {
    for _ in $(seq 360); do
        if (($(arrived | wc -l) >= $1)); then return; fi
        sleep 0.5
    done
    fail "only $(arrived | wc -l) of $1 orders have arrived"
}
# Stops a relay at a moment at which it has claimed what it has not settled. What it sent before that, the server has done
# when it answers twice the same.
stop_holding() {
    local held before
    for _ in $(seq 100); do
        kill -STOP "${relay[$1]}"
        held=-1
        until
            before=$held
            held=$(query "SELECT count(*) FROM outbox_deliveries JOIN outbox_relays USING (epoch)
                WHERE name = 'process ${relay[$1]}'")
            ((held == before))
        do :; done
        if ((held > 0)); then return; fi
        kill -CONT "${relay[$1]}"
        sleep 0.0$((RANDOM % 10))
    done
    fail "relay $1 had nothing in its hands whenever it was stopped"
}
until_arrived $((orders / 10))
stop_holding 1
kill -KILL "${relay[1]}"
wait "${relay[1]}" 2>/dev/null || true
stop_holding 2
until_arrived $((orders / 4))
restart_server
wait "$shop" || fail "not all orders could be placed"
# Past the lease of the one that is stopped.
sleep 8
kill -CONT "${relay[2]}"
start_relay 4
until_arrived "$orders"
for _ in $(seq 600); do
    if (($(query "SELECT count(*) FROM outbox_deliveries") == 0)); then break; fi
    sleep 0.1
done
for number in 2 3 4; do
    kill -TERM "${relay[$number]}"
    wait "${relay[$number]}" || fail "relay $number did not end well"
done

number_of() { sed -E "s/.*\"$1\":([0-9]+).*/\1/" "$2"; }
stale=0
lost_leases=0
for number in 2 3 4; do
    stale=$((stale + $(number_of staleSettles "$folder/relay-$number")))
    lost_leases=$((lost_leases + $(number_of lostLeases "$folder/relay-$number")))
done
settled=$(query "SELECT count(*) FROM settled")
left=$(query "SELECT count(*) FROM outbox_deliveries")
# What one transaction settles has no order in itself.
disorder=$(query "
    SELECT count(*) FROM (
        SELECT sequence, max(sequence) OVER (
            PARTITION BY orderingkey ORDER BY turn GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM (SELECT *, min(place) OVER (PARTITION BY xid) AS turn FROM settled) s) s
    WHERE before > sequence")
duplicates=$(($(count "$folder/ledger") - $(arrived | wc -l)))
printf 'relays 4 killed 1 stopped 1 server restarts 1 events %s settled %s left %s out of order %s sent twice %s late outcomes refused %s leases lost %s\n' \
    "$(query "SELECT count(*) FROM outbox_events")" "$settled" "$left" "$disorder" "$duplicates" "$stale" "$lost_leases"
((left == 0 && settled == orders && $(arrived | wc -l) == orders)) || fail "events were lost"
((disorder == 0)) || fail "a key was settled out of order"
((stale + lost_leases > 0)) || fail "the relay that was stopped was never refused, so nothing was proven"
