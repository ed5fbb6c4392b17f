#if Postgres
import AfterCommit
import Foundation
import Logging
import Synchronization

/// What a relay does beside delivering: it keeps its lease, looks for what no notification told of, frees what those had whose
/// leases ran out, and prunes. The lease and the looks wait for none of the rest.
struct Heartbeat: Sendable {
    let outbox: PostgresOutbox

    func run() async {
        await withTaskGroup { group in
            group.addTask { await outbox.lease.keep() }
            group.addTask { await look() }
            group.addTask { await tidy() }
        }
    }

    private func look() async {
        let idle = outbox.configuration.pollInterval
        let busy = min(idle, .milliseconds(100))
        let time = outbox.time
        // Ends when it is cancelled.
        while (try? await time.sleep(until: time.now() + (outbox.relay.isIdle ? idle : busy))) != nil {
            outbox.relay.wake([.claimable, .delayed, .deadLetters])
        }
    }

    // MARK: Tidying up

    private func tidy() async {
        let configuration = outbox.configuration
        let time = outbox.time
        let reaping = min(configuration.leaseDuration / 4, .seconds(3600))
        var pruner = Pruner(retention: configuration.retention)
        let cutter = OrphanCutter(maxEvents: configuration.maxOrphanedEvents)
        var nextReaping = time.now()
        var nextPruning = time.now()
        while !Task.isCancelled {
            if nextReaping <= time.now() {
                nextReaping = time.now() + reaping
                await reap(cutter)
            }
            if nextPruning <= time.now() {
                // What is left over waits for the other work, and no longer.
                nextPruning = await prune(&pruner, cutter) ? time.now() + configuration.pruneInterval : time.now()
            }
            guard (try? await time.sleep(until: min(nextReaping, nextPruning))) != nil else { return }
        }
    }

    private func reap(_ cutter: OrphanCutter) async {
        do {
            // Often enough for others' cutting, however rarely this relay prunes.
            try await cutter.see(outbox)
            let freed = try await outbox.pool.run { session in
                try session.execute(RelayStatement.reap, []).first().int64(0)
            }
            guard freed > 0 else { return }
            outbox.reclaimed.add(Int(freed), ordering: .relaxed)
            outbox.logger.warning(
                "deliveries of relays whose leases ran out are claimable again", metadata: [LogKey.count: "\(freed)"])
            outbox.relay.wake(.claimable)
        } catch {
            guard !Task.isCancelled else { return }
            outbox.logger.error(
                "what lapsed relays had could not be freed, it will be tried again",
                metadata: [LogKey.error: "\(error)"])
        }
    }

    /// - Returns: whether it is enough for now.
    private func prune(_ pruner: inout Pruner, _ cutter: OrphanCutter) async -> Bool {
        do {
            let isPruned = try await pruner.prune(outbox)
            return try await cutter.cut(outbox) && isPruned
        } catch {
            guard !Task.isCancelled else { return true }
            outbox.logger.error(
                "delivered events could not be pruned, it will be tried again", metadata: [LogKey.error: "\(error)"])
            return true
        }
    }
}
#endif
