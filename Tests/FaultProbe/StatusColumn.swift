#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation

extension FaultProbe {
    struct ProbedRow: Event {
        static let type: EventType = "probed.row"
        var id: UInt64
    }

    /// `status-column FOLDER FIRST`: rows with events, of which some are delivered, fail and come back, until it is killed.
    static func statusColumn(_ folder: String, _ rest: [String]) async throws {
        let storage = try LMDBStorage(
            path: folder,
            events: .statusColumn(
                rows, key: { (event: ProbedRow) in event.id }, rebuild: { id, _ in ProbedRow(id: id) }))
        _ = try await storage.attach(
            [SubscriptionRegistration(name: "probe", types: [EventTypePattern(ProbedRow.type)])], wake: { _ in })
        var id = UInt64(rest[0]) ?? 0
        while true {
            let first = id
            try await storage.transaction { tx in
                for id in first..<first + 4 {
                    try tx.put(Data("row".utf8), for: id, in: rows)
                    try tx.emit(ProbedRow(id: id))
                }
            }
            id += 4
            tell("placed")
            let claimed = try await storage.claim(
                ClaimRequest(subscription: "probe", limit: 3, now: .distantPast)
            ).deliveries
            guard let last = claimed.last else { continue }
            _ = try await storage.settle(
                SettlementBatch(
                    subscription: "probe", delivered: claimed.dropLast().map(\.sequence),
                    exceptions: [
                        Settlement(
                            delivery: last,
                            outcome: .retrying(due: .distantFuture, history: DeliveryHistory(attempts: 1)))
                    ]))
            tell("settled")
        }
    }
}
#endif
