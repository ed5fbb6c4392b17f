/// One measured line.
struct Rate: CustomStringConvertible {
    let line: String
    let count: Int
    let duration: Duration

    var perSecond: Double { Double(count) / (duration / .seconds(1)) }

    var description: String {
        let padded = line.padding(to: 56)
        return "\(padded) \(Int(perSecond.rounded())) /s"
    }

    static func measure(_ line: String, count: Int, _ body: () async throws -> Void) async rethrows -> Rate {
        let duration = try await ContinuousClock().measure { try await body() }
        return Rate(line: line, count: count, duration: duration)
    }
}

extension String {
    func matches(_ wanted: String) -> Bool { wanted.isEmpty || contains(wanted) }

    func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
