#if LMDB
import AfterCommit
import AfterCommitLMDB

/// Emits outside a transaction, each acknowledged after its flush.
struct EmitLines: Chapter {
    private static let sequential = Line(
        "durable emit, 1 sequential", .eventsPerSecond, ceiling: "a bare commit for each")
    private static let latency = Line(
        "durable emit, 1 sequential, median latency", .microseconds, ceiling: "a bare commit for each",
        goal: .ratio(atLeast: 1 / 1.15))
    private static let concurrent = Line(
        "durable emit, 64 concurrent", .eventsPerSecond, ceiling: "bare, as many commits")
    private static let factor = Line(
        "durable emit, 64 concurrent to 1 sequential", .times, ceiling: "bare 64 to bare 1",
        goal: .atLeast(18))

    /// Short turns, so that all see the same moments of the disk.
    private static let turns = 10
    private static let turnCount = 80
    private static let concurrentCount = 4_000

    let lines = [sequential, latency, concurrent, factor]
    private var stores: Stores?

    init() throws {}

    mutating func prepare() async throws { stores = try await Stores() }
    mutating func finish() async throws { try await stores?.close() }

    func round() async throws -> [Sample] {
        guard let stores else { return [] }
        var single = Latencies()
        var many = Rates()
        for turn in 0..<Self.turns {
            try await Self.emitSingly(turn, stores, &single)
            let storage = stores.product
            try await many.add(Self.concurrentCount, commits: stores.commits) {
                try await inParallel(64, count: Self.concurrentCount) { number in
                    try await storage.emit(OrderPlaced(number: number), headers: [:])
                }
            } with: { commits in
                try stores.bare.append(Self.concurrentCount, commits: commits)
            }
        }
        return [
            Sample(Self.sequential, single.rates.ours, ceiling: single.rates.bare),
            Sample(Self.latency, single.ours.median * 1e6, ceiling: single.bare.median * 1e6),
            Sample(Self.concurrent, many),
            Sample(
                Self.factor, many.ours / single.rates.ours, ceiling: many.bare / single.rates.bare),
        ]
    }

    private static func emitSingly(_ turn: Int, _ stores: Stores, _ latencies: inout Latencies) async throws {
        let clock = ContinuousClock()
        for number in 0..<turnCount {
            let begin = clock.now
            try await stores.product.emit(OrderPlaced(number: turn * turnCount + number), headers: [:])
            latencies.ours.append((clock.now - begin).seconds)
        }
        for _ in 0..<turnCount {
            latencies.bare.append(try clock.measure { try stores.bare.append(1, commits: 1) }.seconds)
        }
    }
}

/// How long each emit took, in seconds.
private struct Latencies {
    var ours: [Double] = []
    var bare: [Double] = []

    var rates: (ours: Double, bare: Double) {
        (Double(ours.count) / ours.reduce(0, +), Double(bare.count) / bare.reduce(0, +))
    }
}
#endif
