#if SQLite
public import AfterCommit
import Foundation
public import GRDB

extension SQLiteStorage {
    @discardableResult
    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (SQLiteTransaction) throws -> R
    ) async throws -> R {
        try await context.write(undo: .usersSavepoint) { group in try group.run(body, share: .emitter) }
    }

    public func transaction<R: Sendable>(
        settling delivery: DeliveryID, _ body: @escaping @Sendable (SQLiteTransaction) throws -> R
    ) async throws -> R? {
        try await context.write(undo: .usersSavepoint) { group in
            let context = group.context
            guard let state = try context.tables.state(of: delivery, group.database), state != .deadLettered else {
                return nil
            }
            guard !group.recorded.contains(delivery), context.live.isClaimed(delivery) else {
                throw StorageError.notClaimed(delivery)
            }
            let result = try group.run(body, share: .settling)
            _ = try group.settle(
                SettlementBatch(subscription: delivery.subscription, delivered: [delivery.sequence]))
            return result
        }
    }

    @discardableResult
    public func emit<E: Event>(contentsOf events: [E], options: EmitOptions) async throws -> [EventID] {
        guard !events.isEmpty else { return [] }
        try EnvelopeFactory.check(options, forCount: events.count)
        let emissions = try events.map { try context.emission($0, options) }
        return try await context.write(undo: context.undo(for: emissions)) { try $0.store(emissions, share: .emitter) }
    }

    public func reserveRoom(for events: Int) async throws -> RoomReservation {
        try await context.write { group in
            // Others of the group are granted what this one leaves.
            try group.checkRoom(for: events)
            let room = group.context.room
            group.afterCommit { room.reserve(events) }
            return RoomReservation(events: events)
        }
    }

    public func validate(_ emission: Emission) throws {
        try context.tables.checkContextEmits()
    }

    public func cancel(_ reservation: RoomReservation) {
        context.room.giveBack(reservation.events)
    }

    @discardableResult
    public func emit(_ emissions: [Emission], into reservation: RoomReservation) async throws -> [EventID] {
        defer { context.room.giveBack(reservation.events) }
        guard !emissions.isEmpty else { return [] }
        // Not refused for want of room: it was reserved. Nor cancelled: the work that the events tell of is done.
        return try await context.writeUncancelled(undo: context.undo(for: emissions)) {
            try $0.store(emissions, share: .granted)
        }
    }

    public func receive(_ emissions: [Emission]) async throws -> ReceiveReport {
        guard !emissions.isEmpty else { return ReceiveReport() }
        return try await context.write { try $0.receive(emissions) }
    }
}

extension Database {
    /// Emits one event in the transaction that is open on this connection: it is delivered if and only if that commits.
    ///
    /// ```swift
    /// try await pool.write { db in
    ///     try order.insert(db)
    ///     try db.emit(OrderPlaced(orderID: order.id), to: storage)
    /// }
    /// ```
    /// Savepoints are kept to. Without a transaction it has one of its own.
    /// - Parameters:
    ///   - event: the event.
    ///   - storage: the storage that was made with this connection's database.
    ///   - options: headers, a delay, a deduplication key.
    /// - Returns: the event's id; the first one's, where its deduplication key was used before.
    /// - Throws: `EmitError` for an event that cannot be stored; `StorageError` for a storage that cannot take it.
    @discardableResult
    public func emit<E: Event>(
        _ event: E, to storage: SQLiteStorage, options: EmitOptions = EmitOptions()
    ) throws -> EventID {
        let context = storage.context
        guard !context.writes.isClosed else { throw StorageError.closed }
        let emission = try context.emission(event, options)
        var id = emission.envelope.id
        do {
            try inSavepoint {
                let group = WriteGroup(database: self, context: context)
                id = try group.store([emission], share: .emitter)[0]
                // Told when the user's transaction commits.
                context.observer.note(group.change)
                return .commit
            }
        } catch {
            context.room.noteUndone()
            throw StorageError.mappedOwn(error)
        }
        return id
    }
}

extension SQLiteContext {
    func emission<E: Event>(_ event: E, _ options: EmitOptions) throws -> Emission {
        try tables.check(options)
        return try envelopes.emission(event, options: options, form: tables.payloadForm)
    }

    /// How these are undone when one of them fails.
    func undo(for emissions: [Emission]) -> WriteUndo {
        // The key of a later one may be taken when the first is stored.
        let isRefusedFirst = emissions.count == 1 || emissions.allSatisfy { $0.deduplication == nil }
        return tables.writesNothingWhenRefused && isRefusedFirst ? .withGroup : .savepoint
    }
}

extension WriteGroup {
    /// Runs a transaction's body.
    func run<R>(_ body: (SQLiteTransaction) throws -> R, share: Room.Share) throws -> R {
        let transaction = SQLiteTransaction(group: self, share: share)
        defer { transaction.end() }
        return try body(transaction)
    }

    func store(_ emissions: [Emission], share: Room.Share) throws -> [EventID] {
        try checkRoom(for: emissions.count, share: share)
        return try emissions.map { try context.tables.store($0, self) }
    }

    /// Stores those that are not known; one whose key stands for another payload holds up no other.
    func receive(_ emissions: [Emission]) throws -> ReceiveReport {
        var report = ReceiveReport()
        for (position, emission) in emissions.enumerated() {
            do {
                // What is known needs no room: a full store can say so of what comes again.
                let isFresh = try context.tables.storeOnce(emission, self) { try checkRoom(for: 1) }
                if !isFresh { report.duplicates.append(position) }
            } catch let error as EmitError {
                report.refused[position] = error
            }
        }
        return report
    }

    /// Records outcomes, and tells what is in hand once they are committed.
    func settle(_ batch: SettlementBatch) throws -> SettlementReport {
        let report = try context.tables.settle(batch, self)
        let exceptions = batch.exceptions.map(\.delivery.sequence)
        noteRecorded(exceptions.map { DeliveryID(subscription: batch.subscription, sequence: $0) })
        let (live, room) = (context.live, context.room)
        afterCommit {
            live.settled(batch.delivered + exceptions, subscription: batch.subscription)
            room.noteShrunk()
        }
        return report
    }
}
#endif
