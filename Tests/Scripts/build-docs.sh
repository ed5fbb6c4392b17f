#!/usr/bin/env bash
# Builds Docs.docc with the symbols of our modules, as built in the build folder, into docs/. A warning fails it.
set -euo pipefail
cd "$(dirname "$0")/../.."

modules=(
    AfterCommit AfterCommitLMDB AfterCommitSQLite AfterCommitPostgres AfterCommitHTTP AfterCommitRabbitMQ AfterCommitKafka
    AfterCommitConfiguration AfterCommitTesting)
output=${1:-docs}
symbols=${BUILD_FOLDER:-.build}/symbol-graphs

docc=$(command -v docc || true)
if [ -z "$docc" ] && command -v xcrun >/dev/null 2>&1; then docc=$(xcrun --find docc); fi
[ -n "$docc" ] || { echo "error: docc is missing; it comes with the Swift toolchain." >&2; exit 1; }

source Tests/Scripts/module-flags.sh
rm -rf "$symbols" "$output"
mkdir -p "$symbols/all" "$symbols/ours"
target=$(swift -print-target-info | sed -n 's/^ *"triple": "\(.*\)",$/\1/p' | head -1)
for module in "${modules[@]}"; do
    swift symbolgraph-extract -module-name "$module" "${module_flags[@]}" -target "$target" \
        -minimum-access-level public -output-dir "$symbols/all"
    # Extensions of other people's types are left out: their pages are not ours.
    cp "$symbols/all/$module.symbols.json" "$symbols/ours/"
done

"$docc" convert Docs.docc --additional-symbol-graph-dir "$symbols/ours" --warnings-as-errors \
    --fallback-display-name AfterCommit --fallback-bundle-identifier org.aftercommit.AfterCommit \
    --output-path "$output" >"$symbols/log" 2>&1 || { cat "$symbols/log" >&2; exit 1; }
echo "Documentation: no warnings; in $output/, its first page is documentation/guide."
