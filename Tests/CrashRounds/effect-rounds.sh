#!/usr/bin/env bash
# Kills a program between the effects of its handlers and their settlement, on each durable database, and checks that each
# effect was had once.
#
#   FAULT_PROBE=.build-all/release/FaultProbe Tests/CrashRounds/effect-rounds.sh
#
# FAULT_PROBE  the program, built with all traits. Default .build-all/debug/FaultProbe
# KILLS        how often it is killed on each database. Default 200
# SEED         the same seed kills after the same effects and delays. Default random
set -euo pipefail

program=${FAULT_PROBE:-.build-all/debug/FaultProbe}
kills=${KILLS:-200}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
. "$(dirname "$0")/processes.sh"

start_server
for kind in lmdb sqlite postgres; do
    place=$folder/store.$kind
    if [[ $kind == postgres ]]; then place=$database; fi
    "$program" effect-rounds "$place" "$kind" "$kills" "$seed" {server_input}>&- || fail "$kind (seed $seed)"
done
