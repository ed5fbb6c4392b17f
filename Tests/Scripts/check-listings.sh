#!/usr/bin/env bash
# Compiles every Swift listing of README.md and Docs.docc, and every tutorial step, against the modules in the build folder:
# once as an embedder's package does, in the Swift 6 language mode, and once with this package's upcoming features. Of a
# tutorial of several files it compiles what the reader has after each step, with its tests.
set -euo pipefail
cd "$(dirname "$0")/../.."

source Tests/Scripts/module-flags.sh
source Tests/Scripts/tutorial-state.sh
[ -d "$build/debug/Modules" ] || { echo "error: build first: make test does" >&2; exit 1; }
features=()
for feature in $(sed -n 's/.*enableUpcomingFeature("\(.*\)").*/\1/p' Package.swift); do
    features+=(-enable-upcoming-feature "$feature")
done

work=$build/listings
rm -rf "$work"
mkdir -p "$work"
while IFS= read -r page; do
    awk -v page="$page" -v out="$work/$(printf '%s' "$page" | tr '/ ' '--')" -f Tests/Scripts/listings.awk "$page"
done < <(printf 'README.md\n'; find Docs.docc -name '*.md' | sort)
# Tutorial steps are whole files already, and so is every manifest.
for folder in Docs.docc/Tutorials/*/; do
    for step in "$folder"*.swift; do
        case $step in *-Package.swift) ;; *) ! is_of_several_files "$folder" || continue ;; esac
        cp "$step" "$work/step-$(basename "$step")"
    done
done

manifests="$(dirname "$(dirname "$(command -v swiftc)")")/lib/swift/pm/ManifestAPI"

# compiles FILE
compiles() {
    if head -1 "$1" | grep -q '^// swift-tools-version'; then
        swiftc -typecheck -I "$manifests" -package-description-version 6.2 "$1"
        return
    fi
    swiftc -typecheck -suppress-warnings -swift-version 6 "${module_flags[@]}" "$1" \
        && swiftc -typecheck -suppress-warnings -swift-version 6 "${features[@]}" "${module_flags[@]}" "$1"
}

# compiles_state SOURCES TESTS MODULE : a whole target, and the tests that import it.
compiles_state() {
    local flags=(-suppress-warnings -swift-version 6 -parse-as-library -enable-testing "${module_flags[@]}")
    swiftc -emit-module -emit-module-path "$work/$3.swiftmodule" -module-name "$3" "${flags[@]}" "$1"/*.swift || return
    if ls "$2"/*.swift >/dev/null 2>&1; then
        swiftc -typecheck -module-name "$3Tests" -I "$work" "${flags[@]}" "$2"/*.swift
    fi
}

failed=0
count=0
for folder in Docs.docc/Tutorials/*/; do
    is_of_several_files "$folder" || continue
    module=$(sed -n 's/^    name: "\(.*\)",$/\1/p' "$(ls "$folder"*-Package.swift | head -1)")
    for step in "$folder"*.swift; do
        number=$(sed -E 's/.*-([0-9]+)-[^-]*$/\1/' <<<"$step")
        case $step in *-Package.swift) continue ;; esac
        count=$((count + 1))
        tutorial_state "$folder" "$number" "$work/state" "$work/state-tests"
        compiles_state "$work/state" "$work/state-tests" "$module" \
            || { echo "error: what $step leads to does not compile" >&2; failed=$((failed + 1)); }
    done
    swiftc -typecheck -module-name "$module" -suppress-warnings -swift-version 6 -parse-as-library "${features[@]}" \
        "${module_flags[@]}" "$work"/state/*.swift \
        || { echo "error: $folder does not compile with upcoming features" >&2; failed=$((failed + 1)); }
done
for file in "$work"/*.swift; do
    count=$((count + 1))
    compiles "$file" || { echo "error: $file does not compile" >&2; failed=$((failed + 1)); }
done

[ "$count" -gt 0 ] || { echo "error: no listing was found" >&2; exit 1; }
[ "$failed" -eq 0 ] || { echo "error: $failed of $count listing files do not compile" >&2; exit 1; }
echo "Listings: $count files from README.md and Docs.docc compile."
