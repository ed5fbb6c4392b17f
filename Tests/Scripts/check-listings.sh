#!/usr/bin/env bash
# Compiles every Swift listing of README.md and Docs.docc, and every tutorial step, against the modules in .build/debug:
# once as an embedder's package does, in the Swift 6 language mode, and once with this package's upcoming features.
set -euo pipefail
cd "$(dirname "$0")/../.."

source Tests/Scripts/module-flags.sh
[ -d "$build/debug/Modules" ] || { echo "error: build first: swift build --build-tests" >&2; exit 1; }
features=()
for feature in $(sed -n 's/.*enableUpcomingFeature("\(.*\)").*/\1/p' Package.swift); do
    features+=(-enable-upcoming-feature "$feature")
done

work=.build/listings
rm -rf "$work"
mkdir -p "$work"
while IFS= read -r page; do
    awk -v page="$page" -v out="$work/$(printf '%s' "$page" | tr '/ ' '--')" -f Tests/Scripts/listings.awk "$page"
done < <(printf 'README.md\n'; find Docs.docc -name '*.md' | sort)
# Tutorial steps are whole files already.
while IFS= read -r step; do
    cp "$step" "$work/step-$(basename "$step")"
done < <(find Docs.docc -name '*.swift' | sort)

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

failed=0
count=0
for file in "$work"/*.swift; do
    count=$((count + 1))
    compiles "$file" || { echo "error: $file does not compile" >&2; failed=$((failed + 1)); }
done

[ "$count" -gt 0 ] || { echo "error: no listing was found" >&2; exit 1; }
[ "$failed" -eq 0 ] || { echo "error: $failed of $count listing files do not compile" >&2; exit 1; }
echo "Listings: $count files from README.md and Docs.docc compile."
