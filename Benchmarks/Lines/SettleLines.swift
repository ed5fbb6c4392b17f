#if LMDB
import AfterCommit
import AfterCommitLMDB

/// 64 tasks emit, a handler that does nothing takes the events; the clock stops when the last one is settled.
struct SettleLines: Chapter {
    private static let line = Line(
        "emit to settled, 64 in flight", .eventsPerSecond, ceiling: "bare append and place, as many commits",
        goal: .ratio(atLeast: 0.8))
    private static let count = 40_000

    let lines = [line]
    private var stores: Stores?
    private var engine: RunningEngine?

    init() throws {}

    mutating func prepare() async throws {
        let stores = try await Stores()
        self.stores = stores
        engine = try await RunningEngine(
            stores.product,
            Subscription("none", to: OrderPlaced.self, policy: DeliveryPolicy(concurrency: 64)) { _, _ in })
    }

    mutating func finish() async throws {
        try await engine?.stop()
        try await stores?.close()
    }

    func round() async throws -> [Sample] {
        guard let stores, let engine = engine?.engine else { return [] }
        let before = try await delivered(engine)
        var rates = Rates()
        try await rates.add(Self.count, commits: stores.commits) {
            try await inParallel(64, count: Self.count) { number in
                try await engine.emit(OrderPlaced(number: number))
            }
            try await engine.drain()
        } with: { commits in
            try stores.bare.appendAndSettle(Self.count, commits: commits)
        }
        try await expectDelivered(Self.count, since: before, by: engine)
        return [Sample(Self.line, rates)]
    }
}
#endif
