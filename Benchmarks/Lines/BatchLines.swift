#if LMDB
import AfterCommit
import AfterCommitLMDB

/// Many emits in one transaction. The bare loop copies bytes that are ready; the product encodes each event.
struct BatchLines: Chapter {
    private struct Kind {
        let line: Line
        let size: Int
        let isJSON: Bool
        let count: Int
    }

    private static func kind(_ size: Int, isJSON: Bool, count: Int) -> Kind {
        let coder = isJSON ? "JSON, the default" : "a binary coder"
        return Kind(
            line: Line(
                "durable emit, batches of \(size), \(coder)", .eventsPerSecond,
                ceiling: "bare copies of ready bytes", goal: .ratio(atLeast: 0.85)),
            size: size, isJSON: isJSON, count: count)
    }

    private static let kinds = [
        kind(100, isJSON: true, count: 40_000), kind(1_000, isJSON: true, count: 160_000),
        kind(100, isJSON: false, count: 40_000), kind(1_000, isJSON: false, count: 160_000),
    ]

    let lines = kinds.map(\.line)
    private var json: Stores?
    private var binary: Stores?

    init() throws {}

    mutating func prepare() async throws {
        json = try await Stores()
        binary = try await Stores(coder: BinaryOrderCoder())
    }

    mutating func finish() async throws {
        try await json?.close()
        try await binary?.close()
    }

    func round() async throws -> [Sample] {
        guard let json, let binary else { return [] }
        var samples: [Sample] = []
        for kind in Self.kinds {
            samples.append(try await Self.measure(kind, kind.isJSON ? json : binary))
        }
        return samples
    }

    /// In short turns, so that both see the same moments of the disk.
    private static func measure(_ kind: Kind, _ stores: Stores) async throws -> Sample {
        let turns = 10
        let count = kind.count / turns
        var rates = Rates()
        for _ in 0..<turns {
            try await rates.add(count, commits: stores.commits) {
                try await stores.product.emitInBatches(of: kind.size, count: count)
            } with: { commits in
                try stores.bare.append(count, commits: commits)
            }
        }
        return Sample(kind.line, rates, showsCommits: false)
    }
}
#endif
