#!/usr/bin/env bash
# swift build with the arguments given: says once that the first build is long, and shows its output only if it fails.
set -euo pipefail
cd "$(dirname "$0")/../.."

configuration=debug
case " $* " in *" -c release "*) configuration=release ;; esac
folder=.build
case " $* " in *" --scratch-path "*) folder=$(sed -E 's/.*--scratch-path ([^ ]*).*/\1/' <<<"$*") ;; esac
if [ ! -d "$folder/$configuration" ]; then
    echo "First build: it fetches and compiles the dependencies, which takes some minutes."
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! swift build "$@" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
