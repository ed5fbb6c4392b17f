import Foundation
import Synchronization

/// The user's tables of an in-memory storage.
struct MemoryTables {
    private struct Entries {
        let valueType: ObjectIdentifier
        var values: [Data: any Sendable] = [:]
        var sortedKeys: [Data]?
    }

    private var tables: [String: Entries] = [:]

    func value(for key: Data, in table: String) -> (any Sendable)? {
        tables[table]?.values[key]
    }

    func count(of table: String) -> Int {
        tables[table]?.values.count ?? 0
    }

    /// A name stands for one value type; LMDB would fail to decode another.
    mutating func open<Key, Value>(_ table: Table<Key, Value>) throws {
        let type = ObjectIdentifier(Value.self)
        if let entries = tables[table.name] {
            guard entries.valueType == type else {
                throw StorageError(
                    .invalidTable,
                    "table \(table.name) holds another type than \(Value.self); use one name for one type")
            }
        } else {
            try table.checkName()
            tables[table.name] = Entries(valueType: type)
        }
    }

    /// - Returns: what was there before.
    mutating func set(
        _ value: (any Sendable)?, for key: Data, in table: String
    ) -> (any Sendable)? {
        let old = tables[table]?.values.removeValue(forKey: key)
        if let value { tables[table]?.values[key] = value }
        if (old == nil) != (value == nil) { tables[table]?.sortedKeys = nil }
        return old
    }

    mutating func entries(
        in table: String, after cursor: Data?, limit: Int
    ) -> [(key: Data, value: any Sendable)] {
        guard let entries = tables[table] else { return [] }
        let keys = entries.sortedKeys ?? entries.values.keys.sorted { $0.lexicographicallyPrecedes($1) }
        tables[table]?.sortedKeys = keys
        let remaining = cursor.map { cursor in
            keys.drop { !cursor.lexicographicallyPrecedes($0) }
        }
        return (remaining ?? keys[...]).prefix(max(0, limit)).compactMap { key in
            entries.values[key].map { (key, $0) }
        }
    }
}

/// Runs transactions one after another.
actor MemoryTablesActor {
    enum Outcome<R: Sendable>: Sendable {
        case committed(R, wake: (@Sendable () -> Void)?)
        /// The delivery to settle was settled already; nothing of the body is kept.
        case alreadySettled
        /// A deduplication key was taken meanwhile: the body runs again and is given the first event's id.
        case again
        case full(needed: Int)
    }

    private let tables = MemoryTablesBox()

    /// - Parameters:
    ///   - delivery: settled as delivered in the same commit.
    ///   - reserved: room granted before; what is not used is given back.
    func run<R: Sendable>(
        _ body: @Sendable (InMemoryTransaction) throws -> R, storage: InMemoryStorage,
        settling delivery: DeliveryID?, reserved: Int
    ) throws -> Outcome<R> {
        let transaction = InMemoryTransaction(tables: tables, storage: storage)
        defer { transaction.close() }
        let result: R
        do {
            try Task.checkCancellation()
            if let delivery, storage.queue.withLock({ $0.isSettled(delivery) }) {
                storage.resume(storage.queue.withLock { $0.giveBack(reserved) })
                return .alreadySettled
            }
            result = try body(transaction)
        } catch {
            transaction.rollBack()
            storage.resume(storage.queue.withLock { $0.giveBack(reserved) })
            throw error
        }
        let outcome = commit(transaction.emitted, result, storage, settling: delivery, reserved: reserved)
        if case .success(.committed) = outcome { return try outcome.get() }
        transaction.rollBack()
        return try outcome.get()
    }

    /// Publishes the events and settles the delivery, both under one lock. Whatever came of it, room that was given back is
    /// granted to those who wait.
    private func commit<R: Sendable>(
        _ emitted: [Emission], _ result: R, _ storage: InMemoryStorage, settling delivery: DeliveryID?, reserved: Int
    ) -> Result<Outcome<R>, any Error> {
        let now = storage.envelopes.wallClock.now()
        let (outcome, ready) = storage.queue.withLock { queue -> (Result<Outcome<R>, any Error>, _) in
            let refusal: Result<Outcome<R>?, any Error> = Result {
                try Self.refusal(of: emitted, settling: delivery, in: queue, now: now)
            }
            switch refusal {
            case .failure(let error): return (.failure(error), queue.giveBack(reserved))
            case .success(let refusal?): return (.success(refusal), queue.giveBack(reserved))
            case .success(nil): break
            }
            // A handler that settles makes room, and must not wait for it.
            switch queue.append(emitted, reserved: reserved, takesReserve: delivery != nil, now: now) {
            case .full(let needed): return (.success(.full(needed: needed)), queue.grantRoom())
            case .refused(let error): return (.failure(error), queue.grantRoom())
            case .stored(_, let change):
                if let delivery { queue.settle(delivery, now: now) }
                let wake = change.isEmpty ? nil : queue.wake.map { wake in { @Sendable in wake(change) } }
                return (.success(.committed(result, wake: wake)), queue.grantRoom())
            }
        }
        storage.resume(ready)
        return outcome
    }

    /// Why what the body did must not be kept.
    ///
    /// Its attempt may have outlived its deadline, and then something else was recorded of the delivery: settling it
    /// all the same would have its effects beside a dead letter, or take it from under its retry.
    private static func refusal<R>(
        of emitted: [Emission], settling delivery: DeliveryID?, in queue: borrowing MemoryQueue, now: Date
    ) throws -> Outcome<R>? {
        if let delivery {
            if queue.isSettled(delivery) { return .alreadySettled }
            guard queue.isClaimed(delivery) else { throw StorageError.notClaimed(delivery) }
        }
        return try queue.knowsAny(of: emitted, now: now) ? .again : nil
    }

    func read<R: Sendable>(_ body: @Sendable (InMemoryReader) throws -> R) throws -> R {
        try Task.checkCancellation()
        let reader = InMemoryReader(tables: tables)
        defer { reader.close() }
        return try body(reader)
    }
}

/// Shares the tables between the actor and the transaction it runs; only that actor reaches it.
final class MemoryTablesBox {
    var tables = MemoryTables()
}
