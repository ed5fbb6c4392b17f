#!/usr/bin/env bash
# Installs what the build needs from the system and does not find: LMDB's header and library.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        say "error: $* needs root and there is no sudo; run it as root, then again."
        exit 1
    fi
}

has_lmdb() {
    if command -v pkg-config >/dev/null 2>&1 && pkg-config --exists lmdb; then return 0; fi
    local folder
    for folder in /usr/include /usr/local/include /opt/homebrew/include; do
        [ -f "$folder/lmdb.h" ] && return 0
    done
    return 1
}

if [ "$(uname -s)" = Darwin ]; then
    missing=()
    has_lmdb || missing+=(lmdb)
    command -v pkg-config >/dev/null 2>&1 || missing+=(pkgconf)
    [ "${#missing[@]}" -eq 0 ] && exit 0
    command -v brew >/dev/null 2>&1 || { say "error: install ${missing[*]} (with Homebrew: brew install ${missing[*]})."; exit 1; }
    say "Installing ${missing[*]} with Homebrew."
    brew install --quiet "${missing[@]}"
    exit 0
fi

missing=()
has_lmdb || missing+=(liblmdb-dev)
command -v make >/dev/null 2>&1 || missing+=(make)
[ "${#missing[@]}" -eq 0 ] && exit 0
command -v apt-get >/dev/null 2>&1 || { say "error: install ${missing[*]} (LMDB's headers) with this system's package manager."; exit 1; }

say "Installing ${missing[*]} with apt-get."
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -qq </dev/null >/dev/null
as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
