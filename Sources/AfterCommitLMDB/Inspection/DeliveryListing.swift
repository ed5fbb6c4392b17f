#if LMDB
import AfterCommit
import Foundation
import Logging

/// Lists deliveries a page at a time, so that no snapshot lives long: an old one keeps pages from being used again.
struct DeliveryListing: Sendable {
    private static let pageRecords = 1_000
    /// How far an event's record may lie from its id's time.
    private static let windowMilliseconds: UInt64 = 60_000

    struct Page {
        var records: [DeliveryRecord] = []
        /// Where the next page begins; `nil` at the end.
        var next: UInt64?
    }

    /// What is stored of a delivery beside the log.
    private enum Row {
        case exception(ExceptionRecord.State, ClaimedDelivery)
        case dead(DeadLetter)
    }

    let context: StoreContext
    let query: DeliveryQuery

    /// Where an event that is asked for by its id is, if the log's times lead to it.
    func find(_ id: EventID, _ transaction: Transaction) -> UInt64? {
        // Damage on the way only costs the short cut.
        try? context.log(transaction).sequence(of: id, windowMilliseconds: Self.windowMilliseconds)
    }

    func page(
        from start: UInt64, through end: UInt64, limit: Int, _ transaction: Transaction, _ rows: StatusRows?
    ) throws -> Page {
        let chosen = try context.subscriptions(transaction).all()
            .filter { query.subscription == nil || $0.name == query.subscription }
        var last = end
        var stored: [UInt64: [UInt32: Row]] = [:]
        for subscription in chosen {
            try readRows(subscription, from: start, last: &last, transaction, into: &stored)
        }
        var logged: [UInt64: Envelope] = [:]
        if query.state == nil || query.state == .pending || query.state == .delivered {
            try readLog(from: start, last: &last, transaction, into: &logged)
        }
        var page = Page(next: last < end ? last + 1 : nil)
        let sequences = Set(logged.keys).union(stored.keys).filter { $0 <= last }.sorted()
        for sequence in sequences where page.records.count < limit {
            for subscription in chosen {
                var record = record(
                    sequence, subscription, logged[sequence], stored[sequence]?[subscription.id])
                guard let found = record, query.matches(found.envelope),
                    query.state == nil || query.state == found.state
                else { continue }
                if let rows { record?.envelope = try rows.shown(found.envelope) }
                if let record { page.records.append(record) }
            }
        }
        return page
    }

    private func readRows(
        _ subscription: SubscriptionRecord, from start: UInt64, last: inout UInt64,
        _ transaction: Transaction, into rows: inout [UInt64: [UInt32: Row]]
    ) throws {
        var end = last
        var count = 0
        let exceptions = context.exceptions(transaction)
        try exceptions.scan(subscription.id, from: start) { sequence, entry throws(StorageError) in
            guard sequence <= end else { return false }
            let record = readable(sequence) { () throws(StorageError) in
                let record = try ExceptionRecord(decoding: try entry.content())
                return Row.exception(record.state, try context.delivery(sequence, record, transaction))
            }
            if let record { rows[sequence, default: [:]][subscription.id] = record }
            count += 1
            if count == Self.pageRecords { end = sequence }
            return count < Self.pageRecords
        }
        count = 0
        let dead = context.dead(transaction)
        try dead.scan(subscription.id, from: start) { sequence, entry throws(StorageError) in
            guard sequence <= end else { return false }
            let id = DeliveryID(subscription: subscription.name, sequence: sequence)
            let letter = readable(sequence) { () throws(StorageError) in
                try DeadLetter(id: id, decoding: try entry.content())
            }
            if let letter {
                rows[sequence, default: [:]][subscription.id] = .dead(letter)
            }
            count += 1
            if count == Self.pageRecords { end = sequence }
            return count < Self.pageRecords
        }
        last = end
    }

    private func readLog(
        from start: UInt64, last: inout UInt64, _ transaction: Transaction,
        into logged: inout [UInt64: Envelope]
    ) throws {
        var end = last
        var count = 0
        try context.log(transaction).scan(from: start) { sequence, entry throws(StorageError) in
            guard sequence <= end else { return false }
            logged[sequence] = readable(sequence) { () throws(StorageError) in
                try LogRecord.envelope(try entry.content())
            }
            count += 1
            if count == Self.pageRecords { end = sequence }
            return count < Self.pageRecords
        }
        last = end
    }

    private func record(
        _ sequence: UInt64, _ subscription: SubscriptionRecord, _ logged: Envelope?, _ row: Row?
    ) -> DeliveryRecord? {
        let id = DeliveryID(subscription: subscription.name, sequence: sequence)
        switch row {
        case .dead(let letter):
            return DeliveryRecord(
                id: id, envelope: letter.envelope, state: .deadLettered, history: letter.history)
        case .exception(let state, let delivery):
            return DeliveryRecord(
                id: id, envelope: delivery.envelope, state: state.deliveryState, due: state.due,
                history: delivery.history ?? DeliveryHistory())
        case nil:
            guard let logged, sequence >= subscription.start, subscription.types.contains(logged.type)
            else { return nil }
            let isSettled =
                context.deliveries.cursor(subscription.name)?.isSettled(sequence)
                ?? subscription.isSettled(sequence)
            return DeliveryRecord(id: id, envelope: logged, state: isSettled ? .delivered : .pending)
        }
    }

    /// `nil` for a record that cannot be read: claiming reports it, a list leaves it out.
    private func readable<T>(
        _ sequence: UInt64, _ body: () throws(StorageError) -> T
    ) -> T? {
        do throws(StorageError) {
            return try body()
        } catch {
            context.logger.warning(
                "a stored delivery cannot be read and is not listed",
                metadata: [LogKey.error: "\(error)", LogKey.sequence: "\(sequence)"])
            return nil
        }
    }
}
#endif
