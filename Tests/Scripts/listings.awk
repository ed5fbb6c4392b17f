# Turns one Markdown page into the Swift files that its listings make.
#
#   ```swift          a listing, compiled as it stands; the listings of a page follow one another in one file
#   <!-- listing: body -->     before a listing: its statements are compiled inside a function of their own
#   <!-- listing: new -->      before a listing: a new file begins with it
#   <!-- context               up to -->: lines that no reader sees and that are compiled where they stand
#   <!-- context: FILE -->     the same, with the lines of a file
#
# A listing that begins with `// swift-tools-version` is a manifest and becomes a file of its own.
# Variables: page (as errors name it), out (the beginning of each file's path).

function begin_file() { unit += 1; file = out "-" unit ".swift"; printf "" > file }
function locate(line) { printf "#sourceLocation(file: \"%s\", line: %d)\n", page, line >> file }

/^[ \t]*<!-- listing: (body|new) -->[ \t]*$/ { mode = $3; next }

/^[ \t]*<!-- context[ \t]*$/ && !inside {
    if (!file || mode == "new") { begin_file(); mode = "" }
    inside = "context"; locate(NR + 1); next
}
/^[ \t]*<!-- context: .* -->[ \t]*$/ && !inside {
    if (!file || mode == "new") { begin_file(); mode = "" }
    printf "#sourceLocation(file: \"%s\", line: 1)\n", $3 >> file
    while ((got = (getline line < $3)) > 0) print line >> file
    if (got < 0) { print page ": there is no " $3 > "/dev/stderr"; exit 1 }
    close($3); next
}
inside == "context" && /^[ \t]*-->[ \t]*$/ { inside = ""; next }

/^[ \t]*```swift[ \t]*$/ && !inside {
    inside = "listing"; indent = match($0, /[^ \t]/) - 1; starting = 1; next
}
inside == "listing" && /^[ \t]*```[ \t]*$/ {
    if (wrapped) print "}" >> file
    if (manifest) file = ordinary
    inside = ""; mode = ""; wrapped = 0; manifest = 0; next
}
inside == "listing" && starting {
    starting = 0; count += 1
    manifest = ($0 ~ /^[ \t]*\/\/ swift-tools-version/)
    if (manifest) { ordinary = file; file = out "-manifest-" count ".swift"; printf "" > file }
    else if (!file || mode == "new") begin_file()
    if (mode == "body") { wrapped = 1; printf "func listing%d() async throws {\n", count >> file }
    if (!manifest) locate(NR)
}
inside == "listing" { print substr($0, indent + 1) >> file }
inside == "context" { print >> file }
END { if (inside) { print page ": a listing or context is not closed" > "/dev/stderr"; exit 1 } }
