#if Postgres
import AfterCommit
import Foundation
import Logging
import Synchronization

/// The outbox: many processes insert, many deliver.
final class PostgresOutbox: PostgresQueue {
    let pool: PostgresPool
    let writer: OutboxWriter
    let configuration: PostgresStorage.Configuration
    let time: TimeSource
    let logger: Logger
    let relay: Relay
    let lease: RelayLease
    /// Finds out what became of settlements.
    let runner: TransactionRunner
    let reclaimed = Atomic(0)
    /// What keeps the lease and looks after the tables, while an engine is attached.
    private let heartbeat = Locked<Task<Void, Never>?>(nil)
    /// The last detachment: what follows waits for it.
    private let leaving = Locked<Task<Void, Never>?>(nil)

    init(
        pool: PostgresPool, envelopes: EnvelopeFactory, configuration: PostgresStorage.Configuration, time: TimeSource,
        logger: Logger
    ) {
        self.pool = pool
        writer = OutboxWriter(envelopes: envelopes)
        self.configuration = configuration
        self.time = time
        self.logger = logger
        runner = TransactionRunner(pool: pool, maxConflicts: 0, patience: Self.settlementPatience, time: time)
        let relay = Relay()
        self.relay = relay
        lease = RelayLease(
            relay: relay, database: pool.configuration, configuration: configuration, time: time, logger: logger)
    }

    /// After that the worker, which does nothing else meanwhile, is told, and tries again.
    private static let settlementPatience = Duration.seconds(2)

    var leaseDuration: Duration? { configuration.leaseDuration }
    var reclaimedDeliveries: Int { reclaimed.load(ordering: .relaxed) }
    var ordersKeys: Bool { true }
    var storesTogether: Bool { true }
    var payloadForm: EnvelopeFactory.PayloadForm { .bytes }
    var wallClock: any WallClock { writer.envelopes.wallClock }

    func check(_ emission: Emission) throws { try emission.checkStorable() }
    func validate(_ emission: Emission) throws { try emission.checkStorable() }
    func mark(_ emission: Emission, in session: PostgresSession) {}
    func advanceIDs(in session: PostgresSession) throws { try writer.advanceIDs(in: session) }

    func store(_ emissions: [Emission], in session: PostgresSession) throws -> [PostgresStatement] {
        try writer.statements(emissions)
    }

    func firstID(for emission: Emission, among emitted: [Emission], in session: PostgresSession) throws -> EventID? {
        try writer.firstID(for: emission, among: emitted, in: session)
    }

    func takeKeys(of emissions: [Emission], in session: PostgresSession) throws -> [Bool] {
        try writer.takeKeys(of: emissions, in: session)
    }

    func isStored(_ ids: [EventID], in session: PostgresSession) throws -> Bool {
        try session.execute(OutboxStatement.stored, [.uuids(ids.map(\.uuid))]).first().bool(0)
    }

    func wake(_ change: StorageChange) {
        relay.wake(change)
    }

    // MARK: Attaching

    func attach(
        _ subscriptions: [SubscriptionRegistration], wake: @escaping @Sendable (StorageChange) -> Void
    ) async throws -> [SubscriptionPlace] {
        await leaving.withLock { $0 }?.value
        guard relay.begin(wake: wake) else { throw StorageError.alreadyDelivering }
        do {
            let now = wallClock.now()
            let numbers = try await pool.run { session in
                try subscriptions.map { try Self.register($0, now: now, in: session) }
            }
            relay.set(Dictionary(zip(subscriptions.map(\.name), numbers), uniquingKeysWith: { $1 }))
            try await waitForActivation(of: numbers)
            try await lease.begin()
            guard relay.epoch != nil else {
                throw StorageError(.closed, "the storage was detached while it was being attached")
            }
        } catch {
            relay.end()
            await lease.end()?.close()
            throw error
        }
        let heartbeat = Heartbeat(outbox: self)
        self.heartbeat.withLock { $0 = Task.detached { await heartbeat.run() } }
        // Keys are the database's to keep in order, and what is in flight elsewhere is nobody's suspect.
        return subscriptions.map { _ in SubscriptionPlace() }
    }

    private static func register(
        _ registration: SubscriptionRegistration, now: Date, in session: PostgresSession
    ) throws -> Int32 {
        let patterns = registration.types.patterns
        let number = try session.execute(
            OutboxStatement.register,
            [
                .text(registration.name), .texts(patterns.filter { $0.prefix == nil }.map(\.rawValue).sorted()),
                .texts(patterns.compactMap(\.prefix).sorted()), .bool(registration.start == .beginning),
            ]
        ).first().int32(0)
        if registration.retriesParked {
            _ = try session.execute(OutboxStatement.unpark, [.int32(number), .timestamp(now)])
        }
        return number
    }

    /// Waits for the transactions that were open when a subscription was registered: almost always they end at once. Those that
    /// take longer are waited for when it claims.
    private func waitForActivation(of numbers: [Int32]) async throws {
        let end = time.now() + Self.activationPatience
        while try await pool.run({ session in
            try session.execute(RelayStatement.repair)
            return try session.execute(RelayStatement.inactive, [.int64s(numbers.map(Int64.init))]).first().bool(0)
        }) {
            guard time.now() < end else {
                logger.notice(
                    "transactions that are open keep new subscriptions waiting; they begin when those have ended")
                return
            }
            try await time.sleep(until: time.now() + .milliseconds(10))
        }
    }

    private static let activationPatience = Duration.seconds(2)

    func detach() {
        heartbeat.withLock { task in
            task?.cancel()
            task = nil
        }
        guard let left = relay.end() else { return }
        let pool = pool
        let logger = logger
        let connection = lease.end()
        // Nothing of it must be waited for: at the worst the lease runs out.
        let task = Task.detached {
            do {
                try await pool.run { session in try left.giveBack(in: session) }
            } catch {
                logger.warning(
                    "what was claimed could not be given back; it is claimable when the lease has run out",
                    metadata: [LogKey.error: "\(error)"])
            }
            await connection?.close()
        }
        leaving.withLock { $0 = task }
    }

    func close() async {
        detach()
        await leaving.withLock { $0 }?.value
    }
}
#endif
