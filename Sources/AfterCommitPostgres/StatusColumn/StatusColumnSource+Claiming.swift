#if Postgres
import AfterCommit
import Foundation

extension StatusColumnSource {
    func find(_ request: RowRequest) async throws -> RowsFound {
        let limit = request.limit
        let claimed = PostgresValue.int64s(request.claims.claimedSequences.signed)
        let now = PostgresValue.timestamp(request.now)
        // One more tells whether there are more.
        let most = PostgresValue.int64(Int64(limit) + 1)
        let (last, new, due, nextDue) = try await owning { session in
            let results = try session.pipeline([
                PostgresStatement(self.statement.appended),
                PostgresStatement(self.statement.findNew, [claimed, request.includesNew ? most : .int64(1)]),
                PostgresStatement(self.statement.findDue, [claimed, now, most]),
                PostgresStatement(self.statement.nextDue, [claimed, now]),
            ])
            return (
                UInt64(clamping: try results[0].first().int64(0)), try self.rows.read(results[1], in: session),
                try self.rows.read(results[2], in: session), try results[3].first().optionalTimestamp(0)
            )
        }
        var found = RowsFound()
        let dueLimit = new.isEmpty || !request.includesNew ? limit : max(1, limit / 2)
        found.due = due.prefix(dueLimit).map(\.claimed)
        found.nextDue = due.count > dueLimit ? due[dueLimit].due : nextDue
        guard request.includesNew else {
            found.hasMore = !new.isEmpty
            found.reached = request.claims.handedOut
            return found
        }
        let taken = new.prefix(max(0, limit - found.due.count))
        found.new = taken.map(\.claimed)
        found.hasMore = taken.count < new.count
        let reached = found.hasMore ? taken.last?.sequence ?? 0 : last
        found.reached = max(request.claims.handedOut, reached)
        let isFound = Set(taken.map(\.sequence))
        found.gone = request.claims.released.filter { $0 <= reached && !isFound.contains($0) }
        return found
    }

    func blocked(
        _ subscription: String, keys: Set<String>, claims: RowClaims, limit: Int
    ) async throws -> [String: [ClaimedDelivery]] {
        let claimed = PostgresValue.int64s(claims.claimedSequences.signed)
        return try await owning { session in
            var blocked: [String: [ClaimedDelivery]] = [:]
            for key in keys {
                let rows = try self.rows.read(
                    self.statement.findBlocked, [.text(key), claimed, .int64(Int64(limit))], in: session)
                blocked[key] = rows.map(\.claimed)
            }
            return blocked
        }
    }

    func rows(_ sequences: [UInt64], subscription: String) async throws -> [RowRead] {
        try await owning { session in
            try self.rows.read(self.statement.findPending, [.int64s(sequences.signed)], in: session).map {
                RowRead(delivery: $0.claimed, isNew: $0.state == .pending)
            }
        }
    }
}
#endif
