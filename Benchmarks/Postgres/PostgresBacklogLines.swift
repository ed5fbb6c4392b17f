#if Postgres
import AfterCommit
import AfterCommitPostgres

/// Databases in which 1k and 1M events wait: how fast emits and settlements go meanwhile; and how fast 1, 2 and 4 relays
/// empty one of 40k. Relays are storages of this process, each with its own engine, connections and lease.
struct PostgresBacklogLines: Chapter {
    private static let sizes = [("1k", 1_000), ("1M", 1_000_000)]
    private static let rateLines = sizes.map { name, size in
        Line(
            "postgres, emit and settle, \(name) pending", .eventsPerSecond,
            ceiling: size == 1_000 ? "" : "the rate at 1k", goal: size == 1_000 ? nil : .ratio(atLeast: 0.9))
    }
    private static let relayCounts = [1, 2, 4]
    private static let relayLines = relayCounts.map { count in
        Line(
            "postgres, drain by \(count) relay\(count == 1 ? "" : "s")", .eventsPerSecond,
            ceiling: count == 1 ? "" : "1 relay")
    }
    private static let drained = 20_000
    private static let turns = 3

    let lines = rateLines + relayLines
    private let server: PostgresServer
    private var backlogs: [String] = []
    private var drains = ""
    private var filler: BarePostgres?

    init(_ server: PostgresServer) { self.server = server }

    mutating func prepare() async throws {
        for (_, size) in Self.sizes {
            let url = try server.makeDatabase()
            try await Self.register(BacklogRun.name, at: url)
            let filler = try BarePostgres(url: url)
            try filler.fill(size)
            filler.close()
            backlogs.append(url)
        }
        drains = try server.makeDatabase()
        try await Self.register(PostgresStores.subscription, at: drains)
        filler = try BarePostgres(url: drains)
    }

    func finish() async throws { filler?.close() }

    func round() async throws -> [Sample] {
        var times = Array(repeating: 0.0, count: Self.sizes.count)
        for _ in 0..<Self.turns {
            for (index, url) in backlogs.enumerated() {
                let storage = try await PostgresServer.open(url, lease: BacklogRun.policy.timeout * 2)
                times[index] += 1 / (try await BacklogRun.measure(storage, count: Self.drained / Self.turns))
                await storage.close()
            }
        }
        let rates = times.map { Double(Self.turns) / $0 }
        var samples = zip(Self.rateLines, rates).enumerated().map { index, line in
            Sample(line.0, line.1, ceiling: index == 0 ? nil : rates[0])
        }
        var alone: Double?
        for (line, count) in zip(Self.relayLines, Self.relayCounts) {
            let rate = try await drain(by: count)
            samples.append(Sample(line, rate, ceiling: alone))
            alone = alone ?? rate
        }
        return samples
    }

    private func drain(by relays: Int) async throws -> Double {
        try filler?.fill(Self.drained)
        let arrived = Permits(total: Self.drained)
        for _ in 0..<Self.drained { arrived.give() }
        var running: [(PostgresStorage, RunningEngine)] = []
        let storages = try await Self.open(relays, drains)
        let time = try await ContinuousClock().measure {
            for storage in storages {
                let engine = try await RunningEngine(
                    storage,
                    Subscription(
                        PostgresStores.subscription, to: OrderPlaced.self, policy: DeliveryPolicy(concurrency: 64)
                    ) { _, _ in await arrived.take() })
                running.append((storage, engine))
            }
            await arrived.waitUntilUsed()
            for (_, engine) in running { try await engine.engine.drain() }
        }
        for (storage, engine) in running {
            try await engine.stop()
            await storage.close()
        }
        return Double(Self.drained) / time.seconds
    }

    private static func open(_ count: Int, _ url: String) async throws -> [PostgresStorage] {
        var storages: [PostgresStorage] = []
        for _ in 0..<count { storages.append(try await PostgresServer.open(url)) }
        return storages
    }

    private static func register(_ name: String, at url: String) async throws {
        let storage = try await PostgresServer.open(url)
        try await RunningEngine.leavePlace(name, in: storage)
        await storage.close()
    }
}

extension BarePostgres {
    fileprivate func fill(_ count: Int) throws {
        try emit(count, batch: 1_000)
        // As autovacuum would have it by then.
        try run("VACUUM ANALYZE outbox_events")
        try run("VACUUM ANALYZE outbox_deliveries")
    }
}
#endif
