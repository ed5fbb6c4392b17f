#!/usr/bin/env bash
# A private PostgreSQL for tests, in a temporary folder, on a free port of 127.0.0.1. It trusts everybody there.
#
#   postgres.sh serve [--durable] [--tls]
#                                   prints `postgresql://postgres@127.0.0.1:PORT/postgres FOLDER` when it accepts connections,
#                                   and stops the server when its standard input ends, so when whoever started it is gone.
#                                   Without --durable nothing is flushed: a crash of the machine loses everything.
#                                   With --tls it has a certificate for `localhost`, FOLDER/server.crt, which signed itself.
#   postgres.sh database URL NAME   makes a database.
#   postgres.sh restart FOLDER      lets it crash and starts it again, on the same port.
set -euo pipefail

fail() {
    echo "error: $*" >&2
    exit 1
}

find_programs() {
    local folder
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -Vr) /opt/homebrew/opt/postgresql*/bin; do
        if [ -x "$folder/initdb" ]; then
            programs=$folder
            return
        fi
    done
    programs=$(dirname "$(command -v initdb || fail "PostgreSQL's server is missing: install postgresql, or run Tests/Scripts/ensure-packages.sh tests.")")
}

# PostgreSQL refuses to run as root. What it starts reads nothing of ours, and keeps no pipe of ours open.
as_owner() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@" </dev/null
    elif command -v setpriv >/dev/null 2>&1; then
        setpriv --reuid=postgres --regid=postgres --init-groups "$@" </dev/null
    else
        runuser -u postgres -- "$@" </dev/null
    fi
}

start_on_free_port() {
    local tries=0
    while :; do
        # Below the range from which systems take the ports of outgoing connections, so that it is still free for a restart.
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        echo "port = $port" >"$folder/data/port.conf"
        as_owner "$programs/pg_ctl" start -w -t 60 -D "$folder/data" -l "$folder/log" >/dev/null 2>&1 && return
        tries=$((tries + 1))
        if [ "$tries" -ge 20 ]; then
            tail -20 "$folder/log" >&2
            fail "PostgreSQL does not start."
        fi
    done
}

stop_and_remove() {
    trap '' INT TERM HUP
    if [ -f "$folder/data/postmaster.pid" ]; then
        # A stopped process would end neither way.
        pkill -CONT -P "$(head -1 "$folder/data/postmaster.pid")" 2>/dev/null || true
        kill -CONT "$(head -1 "$folder/data/postmaster.pid")" 2>/dev/null || true
        as_owner "$programs/pg_ctl" stop -w -t 10 -m fast -D "$folder/data" >/dev/null 2>&1 \
            || as_owner "$programs/pg_ctl" stop -w -t 20 -m immediate -D "$folder/data" >/dev/null 2>&1 || true
    fi
    rm -rf "$folder"
}

serve() {
    local durable=false tls=false option
    for option in "$@"; do
        case $option in
        --durable) durable=true ;;
        --tls) tls=true ;;
        *) fail "serve knows --durable and --tls, not $option." ;;
        esac
    done
    find_programs
    folder=$(mktemp -d "${TMPDIR:-/tmp}/aftercommit-postgres.XXXXXX")
    trap stop_and_remove EXIT
    trap 'exit 1' INT TERM HUP
    if [ "$(id -u)" -eq 0 ]; then chown postgres: "$folder"; fi
    # The tests read the certificate.
    chmod 755 "$folder"
    cd "$folder"
    as_owner "$programs/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 \
        || { cat "$folder/initdb.log" >&2; fail "initdb failed."; }
    cat >>"$folder/data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
include 'port.conf'
SETTINGS
    # Commits reach the system at least, so that a crash of the server loses none.
    if ! $durable; then
        printf '%s\n' 'fsync = off' 'full_page_writes = off' >>"$folder/data/postgresql.conf"
    fi
    if $tls; then
        as_owner openssl req -new -x509 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
            -keyout "$folder/server.key" -out "$folder/server.crt" >"$folder/openssl.log" 2>&1 \
            || { cat "$folder/openssl.log" >&2; fail "openssl made no certificate."; }
        chmod 600 "$folder/server.key"
        printf '%s\n' 'ssl = on' "ssl_cert_file = '$folder/server.crt'" "ssl_key_file = '$folder/server.key'" \
            >>"$folder/data/postgresql.conf"
    fi
    start_on_free_port
    echo "postgresql://postgres@127.0.0.1:$port/postgres $folder"
    while read -r _; do :; done
}

restart() {
    find_programs
    folder=$1
    [ -d "$folder/data" ] || fail "$folder has no PostgreSQL of ours."
    cd "$folder"
    as_owner "$programs/pg_ctl" restart -w -t 60 -m immediate -D "$folder/data" -l "$folder/log" >/dev/null
}

make_database() {
    find_programs
    exec "$programs/psql" -X -q "$1" -c "CREATE DATABASE $2" </dev/null
}

case ${1:-} in
serve) serve "${@:2}" ;;
restart) restart "${2:?the folder that serve printed}" ;;
database) make_database "${2:?the URL that serve printed}" "${3:?a name}" ;;
*) fail "usage: postgres.sh serve [--durable] [--tls] | restart FOLDER | database URL NAME" ;;
esac
