import Foundation

/// The results, as a table for people and as JSON.
struct Report {
    let rounds: Int
    private var results: [Result] = []

    init(rounds: Int) {
        self.rounds = rounds
    }

    mutating func add(_ samples: [Sample]) {
        for sample in samples {
            if let index = results.firstIndex(where: { $0.line.name == sample.line.name }) {
                results[index].add(sample)
            } else {
                var result = Result(sample.line)
                result.add(sample)
                results.append(result)
            }
        }
    }

    // MARK: JSON

    private struct Row: Encodable {
        var line: String
        var median: Double
        var min: Double
        var max: Double
        var unit: String
        var ceiling: Double?
        var ratio: Double?

        enum CodingKeys: CodingKey { case line, median, min, max, unit, ceiling, ratio }

        /// Every row has every name: `null` where there is no ceiling.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(line, forKey: .line)
            try container.encode(median, forKey: .median)
            try container.encode(min, forKey: .min)
            try container.encode(max, forKey: .max)
            try container.encode(unit, forKey: .unit)
            try container.encode(ceiling, forKey: .ceiling)
            try container.encode(ratio, forKey: .ratio)
        }
    }

    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(
            results.map { result in
                Row(
                    line: result.line.name, median: result.median, min: result.min, max: result.max,
                    unit: result.line.unit.rawValue, ceiling: result.ceiling, ratio: result.ratio)
            })
    }

    // MARK: Table

    func table() -> String {
        let titles = [
            "line", "median", "min", "max", "unit", "ceiling", "ratio", "ratios", "goal", "", "a commit",
            "the ceiling is",
        ]
        let rows = [titles] + results.map(cells)
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        // Names and explanations to the left, numbers to the right.
        let lefts: Set<Int> = [0, 4, 8, 9, 11]
        var lines = rows.map { row in
            row.indices.map { column in
                let cell = row[column]
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return lefts.contains(column) ? cell + space : space + cell
            }.joined(separator: "  ")
        }
        lines.insert(String(repeating: "-", count: lines[0].count), at: 1)
        lines.append(
            "\(rounds) rounds, interleaved; the ratio is the median of the rounds' own ratios. "
                + "A commit: events in each, where concurrency decides it.")
        return lines.joined(separator: "\n")
    }

    private func cells(_ result: Result) -> [String] {
        let goal =
            switch result.line.goal {
            case nil: ""
            case .ratio(let least): "ratio >= \(least.short)"
            case .atLeast(let least): ">= \(least.short)"
            case .below(let limit): "< \(limit.short)"
            }
        let met =
            switch result.isGoalMet {
            case nil: ""
            case true?: "met"
            case false?: "MISSED"
            }
        return [
            result.line.name, result.median.short, result.min.short, result.max.short,
            result.line.unit.rawValue, result.ceiling?.short ?? "", result.ratio?.short ?? "",
            result.ratioSpread.map { "\($0.short)-\($1.short)" } ?? "", goal, met,
            result.eventsPerCommit?.short ?? "", result.line.ceiling,
        ]
    }
}

extension Double {
    /// Large numbers without a fraction, small ones with two digits of it.
    var short: String {
        guard isFinite else { return "-" }
        if magnitude >= 1_000 { return String(Int(rounded())) }
        return self == rounded() ? String(Int(self)) : String(format: magnitude < 10 ? "%.2f" : "%.1f", self)
    }
}
