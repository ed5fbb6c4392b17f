# Sourced by the scripts beside it: a folder and processes that end with the script, a PostgreSQL, a data platform.

program=${program:-${PLACE_ORDER:-.build-all/debug/place-order}}
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")/../Scripts" && pwd)
folder=$(mktemp -d)
server=
# The server ends with this input of its, so no other process may have it.
exec {server_input}>/dev/null

clean_up() {
    # Only those that run: the number of one that has ended may be another's by now.
    for process in $(jobs -pr); do
        if [[ $process == "$server" ]]; then continue; fi
        kill -CONT "$process" 2>/dev/null || true
        kill -KILL "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    exec {server_input}>&-
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap clean_up EXIT

fail() {
    printf '%s: %s\n' "$(basename "$0" .sh)" "$1" >&2
    tail -n 20 "$folder"/*errors >&2 || true
    exit 1
}

wait_for() {
    for _ in $(seq 600); do
        if [[ -e $1 && $(<"$1") =~ $2 ]]; then return; fi
        sleep 0.1
    done
    fail "no $2 in $1"
}

# Sets `database`, its URL, and `data`, the folder to restart it with.
start_server() {
    mkfifo "$folder/server.input"
    "$scripts/postgres.sh" serve <"$folder/server.input" >"$folder/server" 2>"$folder/server.errors" &
    server=$!
    exec {server_input}>"$folder/server.input"
    wait_for "$folder/server" 'postgresql://'
    read -r database data <"$folder/server"
}

restart_server() { "$scripts/postgres.sh" restart "$data" {server_input}>&-; }

make_database() { "$scripts/postgres.sh" database "$database" "$1" {server_input}>&-; }

query() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$database" -c "$1" {server_input}>&-; }

# Sets `url`, where a platform listens that answers after the time given.
start_platform() {
    : >"$folder/ledger"
    "$program" platform --port 0 --ledger "$folder/ledger" --platform-latency "$1" 2>"$folder/platform.errors" \
        {server_input}>&- &
    wait_for "$folder/platform.errors" 'http://127\.0\.0\.1:[0-9]+'
    url=${BASH_REMATCH[0]}
}

count() { wc -l <"$1" | tr -d ' '; }

# The orders that have arrived.
arrived() { cut -d ' ' -f 2 "$folder/ledger" | sort -u; }

# Acknowledged orders that the ledger does not have.
lost() { comm -23 <(sort -u "$folder/acknowledged") <(arrived) | wc -l | tr -d ' '; }

[[ -x $program ]] || fail "$program is no program; build it with --enable-all-traits and name it"
