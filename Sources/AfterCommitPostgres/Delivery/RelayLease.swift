#if Postgres
import AfterCommit
import Foundation
import Logging

/// Gets and renews a relay's lease, on a connection that serves nothing else: whatever the others are busy with, it is renewed
/// in time.
final class RelayLease: Sendable {
    let relay: Relay
    private let configuration: PostgresConfiguration
    private let duration: Duration
    /// From one renewal to the next.
    private let interval: Duration
    private let name: String
    private let time: TimeSource
    private let logger: Logger
    private let connection = Locked<PostgresConnection?>(nil)
    /// What was given up and could not be given back: first of all, so that nobody takes it for another relay's.
    private let givenUp = Locked<[Int64]>([])

    init(
        relay: Relay, database: PostgresConfiguration, configuration: PostgresStorage.Configuration, time: TimeSource,
        logger: Logger
    ) {
        self.relay = relay
        self.time = time
        self.logger = logger
        duration = configuration.leaseDuration
        name = configuration.relayName
        interval = configuration.leaseDuration / 4
        var database = database
        // A renewal that is not answered must leave time for another.
        database.statementTimeout = min(database.statementTimeout ?? interval, interval)
        self.configuration = database
    }

    // MARK: Beginning and ending

    /// Gets the first lease.
    func begin() async throws {
        let connection = try PostgresConnection(configuration, time: time, number: 0)
        self.connection.withLock { $0 = connection }
        try await join()
    }

    /// - Returns: the connection, which is to be closed.
    func end() -> PostgresConnection? {
        connection.withLock { connection in
            defer { connection = nil }
            return connection
        }
    }

    private func run<R: Sendable>(_ body: @Sendable (PostgresSession) throws -> R) async throws -> R {
        guard let connection = connection.withLock({ $0 }) else { throw StorageError.closed }
        return try await connection.run(body)
    }

    /// Gets a lease, unless there is one. The connection runs one thing after another, so it is only asked for once.
    func join() async throws {
        guard let attachment = relay.attachment else { return }
        try await run { session in
            guard self.relay.needsLease(attachment) else { return }
            for epoch in self.givenUp.withLock({ $0 }) {
                try Relay.Left(epoch: epoch).giveBack(in: session)
                self.givenUp.withLock { $0.removeAll { $0 == epoch } }
            }
            let epoch = try session.execute(
                RelayStatement.join,
                [.text(self.name), .double(self.duration.timeInterval), .int64s(self.relay.numbers.map(Int64.init))]
            )
            .first().int64(0)
            guard self.relay.joined(epoch, attachment) else {
                // It has ended meanwhile.
                try Relay.Left(epoch: epoch).giveBack(in: session)
                return
            }
        }
    }

    // MARK: Renewing

    /// Renews it until it is cancelled, and gets another where there is none.
    func keep() async {
        let tick = min(interval, .seconds(1))
        var next = time.now() + interval
        var hasFailed = false
        // Ends when it is cancelled.
        while (try? await time.sleep(until: min(next, time.now() + tick))) != nil {
            guard next <= time.now() || relay.epoch == nil else { continue }
            do {
                try await renew()
                next = time.now() + interval
                hasFailed = false
            } catch {
                guard !Task.isCancelled else { return }
                // Often enough that a server which is back finds the lease in time.
                next = time.now() + tick
                if !hasFailed {
                    logger.error(
                        "the lease could not be renewed, it will be tried again", metadata: [LogKey.error: "\(error)"])
                }
                hasFailed = true
            }
        }
    }

    private func renew() async throws {
        guard let epoch = relay.epoch else {
            try await join()
            return relay.wake(.claimable)
        }
        let isHeld = try await run { session in
            try !session.execute(RelayStatement.renew, [.int64(epoch), .double(self.duration.timeInterval)]).isEmpty
        }
        if !isHeld { await lapsed(epoch) }
    }

    // MARK: Losing

    /// Another relay has what was claimed: this one begins anew.
    func lapsed(_ epoch: Int64) async {
        guard relay.lapsed(epoch) else { return }
        logger.warning("the relay's lease has run out; what it had claimed is others'")
        // Before there is another lease: what is claimed with that is not lost.
        relay.wake(.leasesLost)
        await beginAnew()
    }

    /// A claim was not answered, and may have taken what nobody here knows of: all that was claimed is given back, and claimed
    /// anew.
    func giveUp(_ epoch: Int64) async {
        guard relay.lapsed(epoch) else { return }
        logger.warning("a claim was not answered; what the relay has claimed is given back, and claimed anew")
        givenUp.withLock { $0.append(epoch) }
        relay.wake(.leasesLost)
        await beginAnew()
    }

    private func beginAnew() async {
        do {
            try await join()
        } catch {
            logger.error(
                "no new lease could be got, it will be tried again", metadata: [LogKey.error: "\(error)"])
        }
        relay.wake(.claimable)
    }
}
#endif
