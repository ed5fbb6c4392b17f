#!/usr/bin/env bash
# The whole chain on this machine: a shop with an outbox in PostgreSQL, two relays, a broker, and a data platform with a
# database of its own. While orders are placed, one process of each kind is killed, and RabbitMQ is restarted. At the end every
# order of the shop is in the platform's database once.
#
#   PLACE_ORDER=.build/debug/place-order Tests/CrashRounds/distributed.sh
#
# PLACE_ORDER  the program, built with the traits Postgres and RabbitMQ, or Kafka. Default .build-all/debug/place-order
# ORDERS       how many orders are placed. Default 2000
# BROKER       rabbitmq, or kafka: librdkafka's mock cluster, which is not restarted, since it keeps nothing. Default rabbitmq
set -euo pipefail

orders=${ORDERS:-2000}
broker=${BROKER:-rabbitmq}
. "$(dirname "$0")/processes.sh"

# The broker ends with this input of its, so no other process may have it.
exec {broker_input}>/dev/null

say() { printf '%s\n' "$*"; }

# start NAME ARGUMENTS... : runs the program in the background; sets `started`. What it notes goes to NAME.errors.
start() {
    "$program" "${@:2}" --log-level error >"$folder/$1" 2>>"$folder/$1.errors" {server_input}>&- \
        {broker_input}>&- &
    started=$!
}

kill_process() {
    kill -KILL "$1"
    wait "$1" 2>/dev/null || true
}

asked_url() {
    : >"$folder/$1.errors"
    "${@:2}"
    wait_for "$folder/$1.errors" 'http://127\.0\.0\.1:([0-9]+)'
}

consumer_counts() { curl -s "http://127.0.0.1:$platform_port/mock/orders"; }
number_of() { sed -E "s/.*\"$1\":([0-9]+).*/\1/"; }

say "PostgreSQL and ${broker/rabbitmq/RabbitMQ} start."
start_server
make_database shop
make_database platform
shop_url=${database%/*}/shop
platform_url=${database%/*}/platform
in_shop() { database=$shop_url query "$1"; }
in_platform() { database=$platform_url query "$1"; }

case $broker in
rabbitmq)
    mkfifo "$folder/broker.input"
    "$scripts/rabbitmq.sh" serve <"$folder/broker.input" >"$folder/broker" 2>"$folder/broker.errors" {server_input}>&- \
        {broker_input}>&- &
    broker_process=$!
    exec {broker_input}>"$folder/broker.input"
    wait_for "$folder/broker" 'amqp://'
    read -r broker_url broker_folder <"$folder/broker"
    # The server ends with its input.
    end_broker() {
        exec {broker_input}>&-
        wait "$broker_process" 2>/dev/null || true
        clean_up
    }
    trap end_broker EXIT
    ;;
kafka)
    start broker mock-kafka
    wait_for "$folder/broker" '127\.0\.0\.1:|localhost:'
    broker_url=$(head -1 "$folder/broker")
    ;;
*) fail "BROKER is rabbitmq or kafka" ;;
esac

in_outbox=(--storage outbox --database postgres --database-url)
start_shop() { start shop serve "${in_outbox[@]}" "$shop_url" --without-delivery --port "$1"; }
start_relay() {
    start "$1" relay "${in_outbox[@]}" "$shop_url" --lease 15s --to "$broker" --broker "$broker_url"
}
start_consumer() {
    start consumer consumer --database postgres --database-url "$platform_url" --from "$broker" --broker "$broker_url" \
        --port "$1"
}

asked_url consumer start_consumer 0
platform_port=${BASH_REMATCH[1]}
consumer=$started
start_relay relay-1
relay_1=$started
start_relay relay-2
relay_2=$started
asked_url shop start_shop 0
shop_port=${BASH_REMATCH[1]}
shop=$started

# Places one order after another; one that is not answered counts as not placed, and another takes its place.
place_orders() {
    local placed=0 answer
    while ((placed < $2)); do
        if answer=$(curl -s --fail --max-time 5 -d \
            "{\"customer\":\"customer $1\",\"lines\":[{\"article\":\"tea\",\"quantity\":2,\"unitPrice\":3.5}]}" \
            "http://127.0.0.1:$shop_port/orders"); then
            sed -E 's/.*"id":"([^"]+)".*/\1/' <<<"$answer" >>"$folder/acknowledged-$1"
            placed=$((placed + 1))
        else
            sleep 0.2
        fi
    done
}

acknowledged() { cat "$folder"/acknowledged-* 2>/dev/null | wc -l | tr -d ' '; }

# at SHARE : waits until so many percent of the orders are placed.
at() { while (($(acknowledged) * 100 < orders * $1)); do sleep 0.05; done; }

say "$orders orders are placed at http://127.0.0.1:$shop_port/orders, by 4 customers at once."
# What is waited for before the chain is looked at.
placing=()
for customer in 1 2 3 4; do
    place_orders "$customer" $((orders / 4)) {server_input}>&- {broker_input}>&- &
    placing+=($!)
done

at 15
say "  $(acknowledged) placed: the consumer is killed, and starts again."
before=$(consumer_counts)
kill_process "$consumer"
start_consumer "$platform_port"
consumer=$started

at 35
say "  $(acknowledged) placed: a relay is killed, and starts again."
kill_process "$relay_1"
start_relay relay-1
relay_1=$started

at 55
if [[ $broker == rabbitmq ]]; then
    say "  $(acknowledged) placed: RabbitMQ crashes, and starts again."
    # Orders are placed meanwhile.
    "$scripts/rabbitmq.sh" restart "$broker_folder" {server_input}>&- {broker_input}>&- &
    placing+=($!)
fi

at 75
say "  $(acknowledged) placed: the shop is killed, and starts again."
kill_process "$shop"
start_shop "$shop_port"
shop=$started

for process in "${placing[@]}"; do wait "$process" || fail "orders could not be placed, or the broker did not start again"; done
say "  $(acknowledged) placed: all. What is under way arrives."

for _ in $(seq 900); do
    left=$(in_shop "SELECT count(*) FROM outbox_deliveries")
    known=$(in_platform "SELECT count(*) FROM known_orders")
    rows=$(in_shop "SELECT count(*) FROM orders")
    waiting=$(number_of pending < <(consumer_counts))
    if ((left == 0 && known == rows && waiting == 0)); then break; fi
    kill -0 "$consumer" 2>/dev/null || fail "the consumer has ended"
    sleep 0.1
done
after=$(consumer_counts)

in_shop "SELECT id FROM orders" | sort >"$folder/shop-orders"
in_platform "SELECT id FROM known_orders" | sort >"$folder/platform-orders"
cat "$folder"/acknowledged-* | tr '[:upper:]' '[:lower:]' | sort >"$folder/acknowledged"
lost=$(comm -23 "$folder/shop-orders" "$folder/platform-orders" | wc -l | tr -d ' ')
unanswered=$(comm -13 "$folder/acknowledged" "$folder/shop-orders" | wc -l | tr -d ' ')
missing=$(comm -23 "$folder/acknowledged" "$folder/shop-orders" | wc -l | tr -d ' ')
foreign=$(comm -13 "$folder/shop-orders" "$folder/platform-orders" | wc -l | tr -d ' ')
dead_shop=$(in_shop "SELECT count(*) FROM outbox_deliveries WHERE state = 'dead'")
duplicates=$(($(number_of duplicates <<<"$before") + $(number_of duplicates <<<"$after")))

kill -TERM "$relay_1" "$relay_2" "$shop" "$consumer" 2>/dev/null || true
wait "$relay_1" "$relay_2" "$shop" "$consumer" 2>/dev/null || true

say ""
say "ledger of the chain"
printf '  %-58s %s\n' \
    "orders acknowledged by the shop" "$(count "$folder/acknowledged")" \
    "orders in the shop's database" "$(count "$folder/shop-orders")" \
    "  of these committed as the shop was killed, unanswered" "$unanswered" \
    "acknowledged orders that the shop's database lost" "$missing" \
    "events that relays had not delivered at the end" "$left" \
    "distinct orders in the data platform's database" "$(count "$folder/platform-orders")" \
    "duplicates that the inbox dropped" "$duplicates" \
    "dead letters at the shop" "$dead_shop" \
    "dead letters at the data platform" "$(number_of deadLetters <<<"$after")" \
    "orders lost on the way" "$lost"
# An effect that came twice would meet its own row, fail, and be a dead letter.
((waiting == 0 && dead_shop == 0 && $(number_of deadLetters <<<"$after") == 0)) || fail "something was handled twice, or never"
((lost == 0 && missing == 0 && foreign == 0 && left == 0)) || fail "the ledger does not add up"
(($(count "$folder/acknowledged") == orders / 4 * 4)) || fail "not all orders were placed"
killed="consumer, relay and shop were killed once each"
[[ $broker == kafka ]] || killed+=", RabbitMQ was restarted once"
say "Every order arrived, and has its effect once; $killed."
