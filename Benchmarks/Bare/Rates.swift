/// What the turns of one round add up to.
struct Rates {
    var count = 0
    var commits = 0
    var ourTime = Duration.zero
    var bareTime = Duration.zero

    /// Events a second.
    var ours: Double { Double(count) / ourTime.seconds }
    var bare: Double { Double(count) / bareTime.seconds }

    /// Runs ours, counts its commits where they can be counted, and runs the bare loop with as many.
    mutating func add(
        _ count: Int, commits counted: () throws -> Int = { 0 }, _ ours: () async throws -> Void,
        with ceiling: (_ commits: Int) throws -> Void
    ) async throws {
        let clock = ContinuousClock()
        let before = try counted()
        ourTime += try await clock.measure { try await ours() }
        let commits = try counted() - before
        bareTime += try clock.measure { try ceiling(commits) }
        self.commits += commits
        self.count += count
    }
}

extension Sample {
    init(_ line: Line, _ rates: Rates, showsCommits: Bool = true) {
        self.init(
            line, rates.ours, ceiling: rates.bare,
            eventsPerCommit: showsCommits ? Double(rates.count) / Double(rates.commits) : nil)
    }
}
