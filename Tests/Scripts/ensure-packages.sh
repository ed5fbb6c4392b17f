#!/usr/bin/env bash
# Installs what the build needs from the system and does not find: LMDB's headers, for the example's HTTP client zlib's,
# and, for `ensure-packages.sh tests`, SQLite's and PostgreSQL's, rabbitmq-c's and librdkafka's, servers of PostgreSQL and
# RabbitMQ, the clients of brokers that tests compare with, and what the tests of faults run.
set -euo pipefail

fail() {
    echo "error: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "installing ${missing[*]} needs root, and there is no sudo: install them as root, then run this again."
    fi
}

has_header() {
    local folder
    for folder in /usr/include /usr/local/include /opt/homebrew/include; do
        [ -f "$folder/$1" ] && return 0
    done
    return 1
}

has_lmdb() {
    { command -v pkg-config >/dev/null 2>&1 && pkg-config --exists lmdb; } || has_header lmdb.h
}

has_libpq() {
    { command -v pkg-config >/dev/null 2>&1 && pkg-config --exists libpq; } || has_header libpq-fe.h \
        || has_header postgresql/libpq-fe.h
}

has_postgres_server() {
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1
}

has_rabbitmq_c() {
    { command -v pkg-config >/dev/null 2>&1 && pkg-config --exists librabbitmq; } || has_header amqp.h
}

has_librdkafka() {
    { command -v pkg-config >/dev/null 2>&1 && pkg-config --exists rdkafka; } || has_header librdkafka/rdkafka.h
}

# Debian keeps it where only root looks.
has_rabbitmq_server() {
    command -v rabbitmq-server >/dev/null 2>&1 || [ -x /usr/sbin/rabbitmq-server ]
}

missing=()
if [ "$(uname -s)" = Darwin ]; then
    has_lmdb || missing+=(lmdb)
    # SwiftPM finds what Homebrew installed through it.
    command -v pkg-config >/dev/null 2>&1 || missing+=(pkgconf)
    if [ "${1:-}" = tests ]; then
        has_libpq && has_postgres_server || missing+=(postgresql)
        has_rabbitmq_c || missing+=(rabbitmq-c)
        has_librdkafka || missing+=(librdkafka)
        has_rabbitmq_server || missing+=(rabbitmq)
        command -v kcat >/dev/null 2>&1 || missing+=(kcat)
    fi
    [ "${#missing[@]}" -eq 0 ] && exit 0
    command -v brew >/dev/null 2>&1 || fail "install ${missing[*]}, for example with Homebrew."
    echo "Installing ${missing[*]} with Homebrew."
    brew install --quiet "${missing[@]}"
    exit 0
fi

has_lmdb || missing+=(liblmdb-dev)
has_header zlib.h || missing+=(zlib1g-dev)
command -v git >/dev/null 2>&1 || missing+=(git)
command -v make >/dev/null 2>&1 || missing+=(make)
if [ "${1:-}" = tests ]; then
    has_libpq || missing+=(libpq-dev)
    has_postgres_server || missing+=(postgresql)
    has_header sqlite3.h || missing+=(libsqlite3-dev)
    has_rabbitmq_c || missing+=(librabbitmq-dev)
    has_librdkafka || missing+=(librdkafka-dev)
    has_rabbitmq_server || missing+=(rabbitmq-server)
    command -v amqp-get >/dev/null 2>&1 || missing+=(amqp-tools)
    # Reads from the broker by itself, headers included.
    command -v python3 >/dev/null 2>&1 || missing+=(python3)
    command -v kcat >/dev/null 2>&1 || missing+=(kcat)
    # They answer system calls with errors, and fill a small file system.
    command -v strace >/dev/null 2>&1 || missing+=(strace)
    { command -v mkfs.ext4 || [ -x /usr/sbin/mkfs.ext4 ]; } >/dev/null 2>&1 || missing+=(e2fsprogs)
fi
[ "${#missing[@]}" -eq 0 ] && exit 0
command -v apt-get >/dev/null 2>&1 \
    || fail "install ${missing[*]} (so Debian names them) with this system's package manager."

echo "Installing ${missing[*]} with apt-get."
as_root apt-get update -qq </dev/null >/dev/null
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
