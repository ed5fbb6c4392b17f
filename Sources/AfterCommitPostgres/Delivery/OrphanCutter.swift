#if Postgres
import AfterCommit
import Foundation
import Logging

/// Forgets the oldest events of subscriptions that nobody has delivered to for a day, beyond the number that is kept for
/// them: their places must not fill the server's disk. Those that somebody delivers to lose nothing, however far they are behind.
struct OrphanCutter: Sendable {
    private static let maxBatches = 10
    let maxEvents: Int

    private struct Orphan: Sendable {
        let number: Int32
        let name: String
        /// The last event that is cut.
        let end: Int64
    }

    /// Notes that this relay's subscriptions are no orphans.
    func see(_ outbox: PostgresOutbox) async throws {
        let numbers = outbox.relay.numbers.map(Int64.init)
        guard !numbers.isEmpty else { return }
        try await outbox.pool.run { _ = try $0.execute(RelayStatement.see, [.int64s(numbers)]).count }
    }

    /// - Returns: whether nothing is left that can be cut now.
    func cut(_ outbox: PostgresOutbox) async throws -> Bool {
        let limit = PostgresValue.int64(Int64(clamping: maxEvents))
        let orphans = try await outbox.pool.run { session in
            try session.execute(RelayStatement.orphans, [limit]).map {
                Orphan(number: try $0.int32(0), name: try $0.text(1), end: try $0.int64(2))
            }
        }
        var isDone = true
        for orphan in orphans where !Task.isCancelled { isDone = try await cut(orphan, outbox) && isDone }
        return isDone
    }

    private func cut(_ orphan: Orphan, _ outbox: PostgresOutbox) async throws -> Bool {
        var total = 0
        defer {
            if total > 0 {
                outbox.logger.error(
                    "events were forgotten that a subscription without an engine had not handled",
                    metadata: [LogKey.subscription: "\(orphan.name)", LogKey.count: "\(total)"])
            }
        }
        for _ in 0..<Self.maxBatches where !Task.isCancelled {
            let count = try await outbox.pool.transaction { session in
                let cut = try session.execute(RelayStatement.cut, [.int32(orphan.number), .int64(orphan.end)])
                // What waited behind those goes on, if ever somebody delivers again.
                let keys = Set(try cut.compactMap { try $0.optionalText(0) })
                if !keys.isEmpty {
                    try session.execute(OutboxStatement.promote, [.int32(orphan.number), .texts(keys.sorted())])
                }
                return cut.count
            }
            total += count
            if count == 0 { return true }
        }
        return false
    }
}
#endif
