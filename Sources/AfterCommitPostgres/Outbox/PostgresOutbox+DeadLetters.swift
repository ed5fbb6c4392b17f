#if Postgres
import AfterCommit
import Foundation

extension PostgresOutbox {
    func deadLetters(_ query: DeadLetterQuery) async throws -> [DeadLetter] {
        guard query.limit > 0 else { return [] }
        var letters: [DeadLetter] = []
        var after = query.after
        // What the database cannot compare is compared here, page by page.
        while letters.count < query.limit {
            let page = try await page(of: query, after: after)
            letters += page.filter { query.matches($0) }.prefix(query.limit - letters.count)
            guard page.count == Self.pageSize, let last = page.last else { break }
            after = last.id
        }
        return letters
    }

    private static let pageSize = 1_000

    private func page(of query: DeadLetterQuery, after: DeliveryID?) async throws -> [DeadLetter] {
        let conditions: [PostgresValue] = [
            .text(query.subscription), .text(query.type?.rawValue), .text(query.reason?.rawValue),
            .text(query.orderingKey), .timestamp(query.since), .timestamp(query.asOf),
            after.map { .int64(Int64(bitPattern: $0.sequence)) } ?? .null, .text(after?.subscription),
            .int64(Int64(Self.pageSize)),
        ]
        return try await pool.run { session in
            try session.execute(InspectionStatement.dead, conditions).map { row in
                let stored = try StoredDelivery(row)
                return DeadLetter(
                    id: DeliveryID(subscription: try row.text(16), sequence: stored.sequence),
                    envelope: stored.envelope,
                    reason: DeadLetter.Reason(rawValue: try row.optionalText(17) ?? "exhausted"),
                    history: stored.history ?? DeliveryHistory(), deadSince: try row.timestamp(18),
                    blocksKey: try row.bool(19))
            }
        }
    }

    func redrive(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let now = wallClock.now()
        let redriven = try await change(ids) { pairs, session in
            try session.execute(OutboxStatement.redrive, pairs + [.timestamp(now)])
        }
        if !redriven.isEmpty { relay.wake([.claimable, .deadLetters]) }
        return redriven
    }

    func deleteDeadLetters(_ ids: [DeliveryID]) async throws -> [DeliveryID] {
        let deleted = try await change(ids) { pairs, session in
            let result = try session.execute(OutboxStatement.deleteDead, pairs)
            var keys: [Int32: Set<String>] = [:]
            for row in result {
                if let key = try row.optionalText(2) { keys[try row.int32(0), default: []].insert(key) }
            }
            for (subscription, keys) in keys {
                _ = try session.execute(OutboxStatement.promote, [.int32(subscription), .texts(keys.sorted())])
            }
            return result
        }
        if !deleted.isEmpty { relay.wake([.claimable, .deadLetters]) }
        return deleted
    }

    /// Changes dead letters in one transaction, and tells other relays.
    private func change(
        _ ids: [DeliveryID],
        _ body: @escaping @Sendable ([PostgresValue], PostgresSession) throws -> PostgresResult
    ) async throws -> [DeliveryID] {
        guard !ids.isEmpty else { return [] }
        let changed = try await pool.transaction { session in
            let numbers = try session.execute(
                InspectionStatement.numbers, [.texts(Set(ids.map(\.subscription)).sorted())]
            ).map { (try $0.text(0), try $0.int32(1)) }
            let number = Dictionary(numbers, uniquingKeysWith: { $1 })
            let name = Dictionary(numbers.map { ($1, $0) }, uniquingKeysWith: { $1 })
            let known = ids.filter { number[$0.subscription] != nil }
            let pairs: [PostgresValue] = [
                .int64s(known.compactMap { number[$0.subscription].map(Int64.init) }),
                .int64s(known.map(\.sequence).signed),
            ]
            let changed = try body(pairs, session).compactMap { row -> DeliveryID? in
                guard let name = name[try row.int32(0)] else { return nil }
                return DeliveryID(subscription: name, sequence: UInt64(bitPattern: try row.int64(1)))
            }
            _ = try session.execute(OutboxStatement.notify, [])
            return Set(changed)
        }
        return ids.filter { changed.contains($0) }
    }
}
#endif
