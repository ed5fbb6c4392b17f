#if Postgres
import AfterCommit
import Foundation
import Logging

/// Keeps a relay's lease, frees those that have lapsed, looks for what no notification told of, and prunes.
struct Heartbeat: Sendable {
    /// What is due at which instant. A pure value.
    struct Schedule: Sendable {
        enum Work: Sendable, Equatable {
            case renew
            case look
            case prune
        }

        private let renewal: Duration
        private let idleLook: Duration
        private let busyLook: Duration
        private let pruning: Duration
        private var nextRenewal: Duration
        private var lastLook: Duration
        private var nextPruning: Duration

        init(lease: Duration, idleLook: Duration, busyLook: Duration, pruning: Duration, now: Duration) {
            renewal = lease / 4
            self.idleLook = idleLook
            self.busyLook = busyLook
            self.pruning = pruning
            nextRenewal = now + renewal
            lastLook = now
            nextPruning = now
        }

        /// What is due now, the lease first.
        mutating func due(now: Duration, isIdle: Bool) -> [Work] {
            var due: [Work] = []
            if nextRenewal <= now {
                nextRenewal = now + renewal
                due.append(.renew)
            }
            if lastLook + (isIdle ? idleLook : busyLook) <= now {
                lastLook = now
                due.append(.look)
            }
            if nextPruning <= now {
                nextPruning = now + pruning
                due.append(.prune)
            }
            return due
        }

        /// When something is due next.
        func next(isIdle: Bool) -> Duration {
            min(nextRenewal, nextPruning, lastLook + (isIdle ? idleLook : busyLook))
        }
    }

    let outbox: PostgresOutbox

    func run() async {
        let configuration = outbox.configuration
        var schedule = Schedule(
            lease: configuration.leaseDuration, idleLook: configuration.pollInterval,
            busyLook: min(configuration.pollInterval, .milliseconds(100)), pruning: configuration.pruneInterval,
            now: outbox.time.now())
        var pruner = Pruner(retention: configuration.retention)
        while !Task.isCancelled {
            for work in schedule.due(now: outbox.time.now(), isIdle: outbox.relay.isIdle) where !Task.isCancelled {
                switch work {
                case .renew: await renew()
                case .look: outbox.relay.wake([.claimable, .delayed, .deadLetters])
                case .prune: await prune(&pruner)
                }
            }
            do {
                try await outbox.time.sleep(until: schedule.next(isIdle: outbox.relay.isIdle))
            } catch {
                return
            }
        }
    }

    private func renew() async {
        let lease = outbox.configuration.leaseDuration.timeInterval
        do {
            if let epoch = outbox.relay.epoch {
                let isHeld = try await outbox.pool.run { session in
                    try !session.execute(RelayStatement.renew, [.int64(epoch), .double(lease)]).isEmpty
                }
                if !isHeld { await outbox.leaseLapsed(epoch) }
            } else if !Task.isCancelled {
                try await outbox.join()
                outbox.relay.wake(.claimable)
            }
            let freed = try await outbox.pool.run { session in
                try session.execute(RelayStatement.reap, []).first().int64(0)
            }
            guard freed > 0 else { return }
            outbox.logger.warning(
                "deliveries of relays whose leases ran out are claimable again", metadata: [LogKey.count: "\(freed)"])
            outbox.relay.wake(.claimable)
        } catch {
            outbox.logger.error(
                "the lease could not be renewed, it will be tried again", metadata: [LogKey.error: "\(error)"])
        }
    }

    private func prune(_ pruner: inout Pruner) async {
        do {
            try await pruner.prune(outbox)
        } catch {
            outbox.logger.error(
                "delivered events could not be pruned, it will be tried again", metadata: [LogKey.error: "\(error)"])
        }
    }
}
#endif
