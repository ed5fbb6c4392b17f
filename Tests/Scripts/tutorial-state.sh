# To be sourced: tells how a tutorial of several files looks after a step.
#
# Its steps are named PREFIX-NUMBER-NAME.swift: each is the file NAME.swift from that step on. Those whose name ends with
# Tests belong to the test target, and Package is the manifest.

# is_of_several_files FOLDER : whether a tutorial is; the steps of another are whole programs.
is_of_several_files() {
    ls "$1" | grep -v -e '-Package\.swift$' | grep -Eq -e '-[0-9]+-[A-Z][A-Za-z+]*\.swift$'
}

# tutorial_state FOLDER STEP SOURCES TESTS : makes both folders hold the files as they are after a step.
tutorial_state() {
    local file name number target wanted
    mkdir -p "$3" "$4"
    wanted=$(mktemp -d)
    mkdir "$wanted/sources" "$wanted/tests"
    # By number, so that the last of a name wins.
    for file in "$1"/*.swift; do
        name=$(basename "$file" .swift)
        number=$(sed -E 's/.*-([0-9]+)(-[^-]*)?$/\1/' <<<"$name")
        name=${name##*-}
        [ "$name" != Package ] && [ "$number" -le "$2" ] || continue
        case $name in *Tests) target=tests ;; *) target=sources ;; esac
        cp "$file" "$wanted/$target/$name.swift"
    done
    replace_files "$wanted/sources" "$3"
    replace_files "$wanted/tests" "$4"
    rm -r "$wanted"
}

# replace_files FROM TO : what has not changed keeps its date, so that it is not built again.
replace_files() {
    local file
    for file in "$2"/*.swift; do
        [ -e "$1/$(basename "$file")" ] || rm -f "$file"
    done
    for file in "$1"/*.swift; do
        if [ -e "$file" ]; then cmp -s "$file" "$2/$(basename "$file")" || cp "$file" "$2/"; fi
    done
}
