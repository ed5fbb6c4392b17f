/// A line of the table: what is measured, in which unit, and what it must reach.
struct Line {
    enum Unit: String {
        case eventsPerSecond = "events/s"
        case microseconds = "us"
        case times = "times"
        case mebibytes = "MiB"

        /// Of latencies and sizes less is better.
        var lessIsBetter: Bool { self == .microseconds || self == .mebibytes }
    }

    /// What the issue asks for.
    enum Goal {
        /// How near it comes to its ceiling.
        case ratio(atLeast: Double)
        case atLeast(Double)
        case below(Double)
    }

    let name: String
    let unit: Unit
    /// What stands in the column "ceiling", in a few words; empty where there is none.
    let ceiling: String
    let goal: Goal?

    init(_ name: String, _ unit: Unit, ceiling: String = "", goal: Goal? = nil) {
        self.name = name
        self.unit = unit
        self.ceiling = ceiling
        self.goal = goal
    }
}

/// One round of one line.
struct Sample {
    let line: Line
    let value: Double
    /// What the ceiling reached in the same round.
    let ceiling: Double?
    /// How many events shared a commit, where that was not given.
    let eventsPerCommit: Double?

    init(_ line: Line, _ value: Double, ceiling: Double? = nil, eventsPerCommit: Double? = nil) {
        self.line = line
        self.value = value
        self.ceiling = ceiling
        self.eventsPerCommit = eventsPerCommit
    }

    /// How near it comes to its ceiling: 1 is as good.
    var ratio: Double? {
        ceiling.map { line.unit.lessIsBetter ? $0 / value : value / $0 }
    }
}
