#if Postgres
import AfterCommit
import AfterCommitPostgres

/// Emits into PostgreSQL that no subscription wants: by many callers of one event each, and in transactions of many events.
struct PostgresEmitLines: Chapter {
    private static let concurrent = Line(
        "postgres, durable emit, 64 concurrent", .eventsPerSecond, ceiling: "bare INSERTs of 64")
    private static let batched = Line(
        "postgres, durable emit, batches of 1000", .eventsPerSecond, ceiling: "bare INSERTs of 1000")

    let lines = [concurrent, batched]
    private static let turns = 4
    private static let count = 16_000
    private let server: PostgresServer
    private var stores: PostgresStores?

    init(_ server: PostgresServer) { self.server = server }

    mutating func prepare() async throws { stores = try await server.makeStores(isDelivered: false) }
    mutating func finish() async throws { await stores?.close() }

    func round() async throws -> [Sample] {
        guard let stores else { return [] }
        let storage = stores.product
        var (concurrent, batched) = (Rates(), Rates())
        let count = Self.count / Self.turns
        for _ in 0..<Self.turns {
            try await concurrent.add(count) {
                try await inParallel(64, count: count) { try await storage.emit(OrderPlaced(number: $0), headers: [:]) }
            } with: { _ in
                try stores.bare.emit(count, batch: 64)
            }
            try await batched.add(count) {
                try await storage.emitInBatches(of: 1_000, count: count)
            } with: { _ in
                try stores.bare.emit(count, batch: 1_000)
            }
        }
        return [
            Sample(Self.concurrent, concurrent, showsCommits: false),
            Sample(Self.batched, batched, showsCommits: false),
        ]
    }
}

/// Emits into PostgreSQL that a handler which does nothing takes; the clock stops when the last one is settled.
struct PostgresSettleLines: Chapter {
    private static let settled = Line(
        "postgres, emit to settled, 64 in flight", .eventsPerSecond,
        ceiling: "bare INSERTs of 64, as many claimed and deleted by SKIP LOCKED")
    private static let factor = Line(
        "postgres, emit to settled, 64 in flight, to a naive loop", .times, goal: .atLeast(5))

    let lines = [settled, factor]
    private static let turns = 4
    private static let count = 16_000
    private static let naiveCount = 1_000
    private let server: PostgresServer
    private var stores: PostgresStores?
    private var engine: RunningEngine?

    init(_ server: PostgresServer) { self.server = server }

    mutating func prepare() async throws {
        let stores = try await server.makeStores(isDelivered: true)
        self.stores = stores
        engine = try await RunningEngine(
            stores.product,
            Subscription(
                PostgresStores.subscription, to: OrderPlaced.self, policy: DeliveryPolicy(concurrency: 64)
            ) { _, _ in })
    }

    mutating func finish() async throws {
        try await engine?.stop()
        await stores?.close()
    }

    func round() async throws -> [Sample] {
        guard let bare = stores?.bare, let engine = engine?.engine else { return [] }
        let before = try await delivered(engine)
        var (settled, naive) = (Rates(), Rates())
        let count = Self.count / Self.turns
        for _ in 0..<Self.turns {
            try await settled.add(count) {
                try await inParallel(64, count: count) { try await engine.emit(OrderPlaced(number: $0)) }
                try await engine.drain()
            } with: { _ in
                try bare.emitAndSettle(count, batch: 64)
            }
            let naiveCount = Self.naiveCount / Self.turns
            try bare.emitNaively(naiveCount)
            naive.count += naiveCount
            naive.bareTime += try ContinuousClock().measure { try bare.drainNaively(naiveCount) }
        }
        try await expectDelivered(Self.count, since: before, by: engine)
        return [
            Sample(Self.settled, settled, showsCommits: false), Sample(Self.factor, settled.ours / naive.bare),
        ]
    }
}
#endif
