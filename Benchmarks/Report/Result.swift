/// All rounds of one line.
struct Result {
    let line: Line
    private var values: [Double] = []
    private var ceilings: [Double] = []
    private var ratios: [Double] = []
    private var commits: [Double] = []

    init(_ line: Line) {
        self.line = line
    }

    mutating func add(_ sample: Sample) {
        values.append(sample.value)
        if let ceiling = sample.ceiling { ceilings.append(ceiling) }
        if let ratio = sample.ratio { ratios.append(ratio) }
        if let commit = sample.eventsPerCommit { commits.append(commit) }
    }

    var median: Double { values.median }
    var min: Double { values.min() ?? .nan }
    var max: Double { values.max() ?? .nan }
    var ceiling: Double? { ceilings.isEmpty ? nil : ceilings.median }
    /// The median of the rounds' own ratios: the machine's speed changes from round to round, for both alike.
    var ratio: Double? { ratios.isEmpty ? nil : ratios.median }
    var ratioSpread: (Double, Double)? {
        guard let low = ratios.min(), let high = ratios.max() else { return nil }
        return (low, high)
    }
    var eventsPerCommit: Double? { commits.isEmpty ? nil : commits.median }

    var isGoalMet: Bool? {
        switch line.goal {
        case nil: nil
        case .ratio(let least): ratio.map { $0 >= least } ?? false
        case .atLeast(let least): median >= least
        case .below(let limit): median < limit
        }
    }
}

extension [Double] {
    /// Not a number where there is none.
    var median: Double {
        guard !isEmpty else { return .nan }
        let sorted = sorted()
        let middle = count / 2
        return count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
