/// What a recorder was asked for and has not seen. It reads as a sentence, whatever test framework shows it.
public struct RecordingFailure: Error, CustomStringConvertible {
    public let description: String

    /// Checks how many of `all` match.
    static func check<Value>(
        _ found: [Value], count: Int?, of subject: String, all: [String], _ file: StaticString, _ line: UInt
    ) throws(RecordingFailure) -> [Value] {
        if let count, found.count == count { return found }
        if count == nil, !found.isEmpty { return found }
        let expected = count.map(String.init) ?? "at least 1"
        let seen = all.isEmpty ? "nothing" : all.prefix(20).joined(separator: ", ")
        let more = all.count > 20 ? " and \(all.count - 20) more" : ""
        throw RecordingFailure(
            description: "expected \(expected) \(subject), found \(found.count); seen: \(seen)\(more) (\(file):\(line))"
        )
    }
}
