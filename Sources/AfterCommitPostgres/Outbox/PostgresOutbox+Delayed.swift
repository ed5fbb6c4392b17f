#if Postgres
import AfterCommit
import Foundation
import Logging

extension PostgresOutbox {
    func publishDelayed(dueBy now: Date) async throws -> Date? {
        var published = 0
        while true {
            let next = try await pool.run { session in
                try session.execute(OutboxStatement.nextDelayed, []).first().optionalTimestamp(0)
            }
            guard let next, next <= now else {
                if published > 0 { relay.wake(.claimable) }
                return next
            }
            let (due, stored) = try await pool.run { session in
                let row = try session.execute(OutboxStatement.publishDelayed, [.timestamp(now)]).first()
                return (Int(try row.int64(0)), Int(try row.int64(1)))
            }
            published += stored
            if stored < due {
                logger.warning(
                    "delayed events are dropped: events with their ids were stored meanwhile",
                    metadata: [LogKey.count: "\(due - stored)"])
            }
            // Another relay publishes them at this moment.
            if due == 0 { return next }
        }
    }

    func delayedEvents(after position: DelayedEvent.Position?, limit: Int) async throws -> [DelayedEvent] {
        guard limit > 0 else { return [] }
        let after: PostgresValue = position.map { .timestamp($0.deliverAt) } ?? .null
        let id: PostgresValue = position.map { .uuid($0.id.uuid) } ?? .null
        return try await pool.run { session in
            try session.execute(OutboxStatement.delayedAfter, [after, id, .int64(Int64(limit))]).map { row in
                DelayedEvent(envelope: try StoredEnvelope(row, from: 0).envelope, deliverAt: try row.timestamp(10))
            }
        }
    }

    func cancelDelayed(_ ids: [EventID]) async throws -> [EventID] {
        let cancelled = try await pool.run { session in
            try session.execute(OutboxStatement.cancelDelayed, [.uuids(ids.map(\.uuid))]).map {
                EventID(try $0.uuid(0))
            }
        }
        let isCancelled = Set(cancelled)
        return ids.filter { isCancelled.contains($0) }
    }
}
#endif
