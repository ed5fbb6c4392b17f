/// What the turns of one round add up to.
struct Rates {
    var count = 0
    var commits = 0
    var ourTime = Duration.zero
    var bareTime = Duration.zero

    /// Events a second.
    var ours: Double { Double(count) / ourTime.seconds }
    var bare: Double { Double(count) / bareTime.seconds }
}

extension Sample {
    init(_ line: Line, _ rates: Rates, showsCommits: Bool = true) {
        self.init(
            line, rates.ours, ceiling: rates.bare,
            eventsPerCommit: showsCommits ? Double(rates.count) / Double(rates.commits) : nil)
    }
}
