#if SQLite
import AfterCommit
import AfterCommitSQLite

/// Emits into SQLite: in transactions of many events, and of one event each by many callers.
struct SQLiteEmitLines: Chapter {
    private static let batches = [(size: 100, count: 20_000), (size: 1_000, count: 40_000)].map { size, count in
        (
            line: Line(
                "sqlite, durable emit, batches of \(size)", .eventsPerSecond, ceiling: "bare inserts of ready bytes"),
            size: size, count: count
        )
    }
    private static let concurrent = Line(
        "sqlite, durable emit, 64 concurrent", .eventsPerSecond, ceiling: "bare, as many commits")
    private static let concurrentCount = 10_000
    private static let turns = 4

    let lines = batches.map(\.line) + [concurrent]
    private var stores: SQLiteStores?

    init() throws {}

    mutating func prepare() async throws { stores = try await SQLiteStores(isDelivered: false) }
    mutating func finish() async throws { try await stores?.close() }

    func round() async throws -> [Sample] {
        guard let stores else { return [] }
        let storage = stores.product
        var rates = Array(repeating: Rates(), count: Self.batches.count)
        var many = Rates()
        for _ in 0..<Self.turns {
            for (index, kind) in Self.batches.enumerated() {
                let count = kind.count / Self.turns
                try await rates[index].add(count, commits: stores.commits) {
                    try await storage.emitInBatches(of: kind.size, count: count)
                } with: {
                    try stores.bare.emit(count, commits: $0)
                }
            }
            let count = Self.concurrentCount / Self.turns
            try await many.add(count, commits: stores.commits) {
                try await inParallel(64, count: count) { number in
                    try await storage.emit(OrderPlaced(number: number), headers: [:])
                }
            } with: {
                try stores.bare.emit(count, commits: $0)
            }
        }
        return zip(Self.batches, rates).map { Sample($0.line, $1, showsCommits: false) } + [
            Sample(Self.concurrent, many)
        ]
    }
}

/// Emits into SQLite that a handler which does nothing takes; the clock stops when the last one is settled.
struct SQLiteSettleLines: Chapter {
    private static let single = Line(
        "sqlite, emit to settled, 64 in flight", .eventsPerSecond, ceiling: "bare emit and settle, as many commits",
        goal: .ratio(atLeast: 0.8))
    private static let batched = Line(
        "sqlite, emit to settled, batches of 100", .eventsPerSecond, ceiling: "bare emit and settle, as many commits")
    private static let count = 20_000
    private static let turns = 10

    let lines = [single, batched]
    private var stores: SQLiteStores?
    private var engine: RunningEngine?

    init() throws {}

    mutating func prepare() async throws {
        let stores = try await SQLiteStores(isDelivered: true)
        self.stores = stores
        engine = try await RunningEngine(
            stores.product,
            Subscription(SQLiteStores.subscription, to: OrderPlaced.self, policy: DeliveryPolicy(concurrency: 64)) {
                _, _ in
            })
    }

    mutating func finish() async throws {
        try await engine?.stop()
        try await stores?.close()
    }

    func round() async throws -> [Sample] {
        guard let stores, let engine = engine?.engine else { return [] }
        let before = try await delivered(engine)
        var single = Rates()
        var batched = Rates()
        // In short turns, so that both see the same moments of the disk.
        let count = Self.count / Self.turns
        for _ in 0..<Self.turns {
            try await single.add(count, commits: stores.commits) {
                try await inParallel(64, count: count) { number in try await engine.emit(OrderPlaced(number: number)) }
                try await engine.drain()
            } with: {
                try stores.bare.emitAndSettle(count, commits: $0)
            }
            try await batched.add(count, commits: stores.commits) {
                try await stores.product.emitInBatches(of: 100, count: count)
                try await engine.drain()
            } with: {
                try stores.bare.emitAndSettle(count, commits: $0)
            }
        }
        try await expectDelivered(2 * Self.count, since: before, by: engine)
        return [Sample(Self.single, single), Sample(Self.batched, batched)]
    }
}
#endif
