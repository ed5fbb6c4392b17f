#!/usr/bin/env bash
# A private RabbitMQ for tests, in a temporary folder, on free ports of 127.0.0.1. Its user is guest with the password guest.
#
#   rabbitmq.sh serve [--tls]     prints `amqp://guest:guest@127.0.0.1:PORT FOLDER` when it accepts connections, and stops the
#                                 server when its standard input ends, so when whoever started it is gone.
#                                 With --tls it also listens on the port in FOLDER/tls-port, with a certificate for `localhost`,
#                                 FOLDER/server.crt, which signed itself.
#   rabbitmq.sh restart FOLDER    lets it crash and starts it again, on the same port.
#   rabbitmq.sh stop FOLDER       lets it crash.
#   rabbitmq.sh start FOLDER      starts it again, on the same port.
#   rabbitmq.sh control FOLDER COMMAND...
#                                 runs rabbitmqctl for it.
set -euo pipefail

fail() {
    echo "error: $*" >&2
    exit 1
}

# Debian's own commands insist on being root; the programs below them do not.
find_programs() {
    local place
    for place in /usr/lib/rabbitmq/bin /opt/homebrew/opt/rabbitmq/sbin /usr/local/opt/rabbitmq/sbin; do
        if [ -x "$place/rabbitmq-server" ]; then
            programs=$place
            return
        fi
    done
    programs=$(dirname "$(command -v rabbitmq-server || fail "RabbitMQ is missing: install rabbitmq-server, or run Tests/Scripts/ensure-packages.sh tests.")")
}

# What it starts reads nothing of ours, and keeps no pipe of ours open.
as_owner() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@" </dev/null
    elif command -v setpriv >/dev/null 2>&1; then
        setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$@" </dev/null
    else
        runuser -u rabbitmq -- "$@" </dev/null
    fi
}

# A folder, a name and three ports of its own keep it apart from every other node on this machine.
with_settings() {
    local port distribution epmd
    read -r port distribution epmd <"$folder/ports"
    as_owner env -u RABBITMQ_CONF_ENV_FILE HOME="$folder" LANG=C.UTF-8 \
        RABBITMQ_NODENAME="aftercommit$port@localhost" RABBITMQ_CONF_ENV_FILE="$folder/environment" \
        RABBITMQ_MNESIA_BASE="$folder/data" RABBITMQ_LOG_BASE="$folder/log" RABBITMQ_PID_FILE="$folder/server.pid" \
        RABBITMQ_CONFIG_FILE="$folder/rabbitmq" RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" \
        RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$port" RABBITMQ_DIST_PORT="$distribution" \
        ERL_EPMD_PORT="$epmd" ERL_EPMD_ADDRESS=127.0.0.1 \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}" \
        "$@"
}

# What ends the script that restarts it does not end the server.
detached=()
if command -v setsid >/dev/null 2>&1; then detached=(setsid); fi

answers() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Below the range from which systems take the ports of outgoing connections, so that it is still free for a restart.
free_port() {
    local number
    while :; do
        number=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        answers "$number" || break
    done
    echo "$number"
}

is_running() {
    [ -f "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null
}

start_server() {
    local port distribution epmd tries=0
    read -r port distribution epmd <"$folder/ports"
    if ! is_running "$folder/epmd.pid"; then
        with_settings "${detached[@]}" sh -c 'echo $$ >"$0"; exec epmd -port "$1" -address 127.0.0.1' \
            "$folder/epmd.pid" "$epmd" >/dev/null 2>&1 &
        disown
    fi
    rm -f "$folder/server.pid"
    with_settings "${detached[@]}" "$programs/rabbitmq-server" >>"$folder/output" 2>&1 &
    local launcher=$!
    disown
    # It listens when all else is ready.
    until answers "$port"; do
        tries=$((tries + 1))
        if [ "$tries" -ge 1200 ] || ! kill -0 "$launcher" 2>/dev/null; then
            tail -20 "$folder/output" >&2
            fail "RabbitMQ does not start."
        fi
        sleep 0.1
    done
}

kill_server() {
    local id
    [ -f "$folder/server.pid" ] || return 0
    id=$(cat "$folder/server.pid")
    kill -KILL "$id" 2>/dev/null || return 0
    while kill -0 "$id" 2>/dev/null; do sleep 0.05; done
}

stop_and_remove() {
    trap '' INT TERM HUP
    kill_server
    if is_running "$folder/epmd.pid"; then kill -KILL "$(cat "$folder/epmd.pid")" 2>/dev/null || true; fi
    # Helpers of the virtual machine may be writing their last line.
    rm -rf "$folder" 2>/dev/null || { sleep 0.5; rm -rf "$folder"; }
}

serve() {
    local tls=false option port tls_port
    for option in "$@"; do
        case $option in
        --tls) tls=true ;;
        *) fail "serve knows --tls, not $option." ;;
        esac
    done
    find_programs
    folder=$(mktemp -d "${TMPDIR:-/tmp}/aftercommit-rabbitmq.XXXXXX")
    trap stop_and_remove EXIT
    trap 'exit 1' INT TERM HUP
    # The tests read the certificate.
    chmod 755 "$folder"
    mkdir "$folder/data" "$folder/log"
    port=$(free_port)
    echo "$port $(free_port) $(free_port)" >"$folder/ports"
    : >"$folder/environment"
    echo "[]." >"$folder/plugins"
    # Small enough to be exceeded by a test. The watermark is not to be reached by chance.
    cat >"$folder/rabbitmq.conf" <<SETTINGS
listeners.tcp.1 = 127.0.0.1:$port
max_message_size = 4194304
vm_memory_high_watermark.absolute = 2GB
disk_free_limit.absolute = 10MB
log.console = false
SETTINGS
    if $tls; then
        tls_port=$(free_port)
        echo "$tls_port" >"$folder/tls-port"
        openssl req -new -x509 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
            -keyout "$folder/server.key" -out "$folder/server.crt" >"$folder/openssl.log" 2>&1 \
            || { cat "$folder/openssl.log" >&2; fail "openssl made no certificate."; }
        cat >>"$folder/rabbitmq.conf" <<SETTINGS
listeners.ssl.1 = 127.0.0.1:$tls_port
ssl_options.cacertfile = $folder/server.crt
ssl_options.certfile = $folder/server.crt
ssl_options.keyfile = $folder/server.key
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false
SETTINGS
    fi
    if [ "$(id -u)" -eq 0 ]; then chown -R rabbitmq: "$folder"; fi
    cd "$folder"
    start_server
    echo "amqp://guest:guest@127.0.0.1:$port $folder"
    while read -r _; do :; done
}

enter() {
    find_programs
    folder=$1
    [ -f "$folder/ports" ] || fail "$folder has no RabbitMQ of ours."
    cd "$folder"
}

case ${1:-} in
serve) serve "${@:2}" ;;
restart)
    enter "${2:?the folder that serve printed}"
    kill_server
    start_server
    ;;
stop)
    enter "${2:?the folder that serve printed}"
    kill_server
    ;;
start)
    enter "${2:?the folder that serve printed}"
    start_server
    ;;
control)
    enter "${2:?the folder that serve printed}"
    with_settings "$programs/rabbitmqctl" --quiet "${@:3}"
    ;;
*) fail "usage: rabbitmq.sh serve [--tls] | restart FOLDER | stop FOLDER | start FOLDER | control FOLDER COMMAND..." ;;
esac
