#if LMDB
public import AfterCommit
public import Foundation
import Logging

extension LMDBStorage {
    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (LMDBTransaction) throws -> R
    ) async throws -> R {
        let envelopes = context.envelopes
        // The size is not known before the body has run; a row and an event are assumed.
        return try await write(
            WriteRequest(bytes: 1_024) { group in
                try group.run(body, envelopes: envelopes)
            })
    }

    public func transaction<R: Sendable>(
        settling delivery: DeliveryID, _ body: @escaping @Sendable (LMDBTransaction) throws -> R
    ) async throws -> R? {
        let envelopes = context.envelopes
        return try await write(
            WriteRequest(bytes: 1_024) { group in
                guard try !group.isSettled(delivery) else { return nil }
                try group.checkClaimed(delivery)
                let result = try group.run(body, envelopes: envelopes, use: .settling)
                _ = try group.settle(
                    SettlementBatch(subscription: delivery.subscription, delivered: [delivery.sequence]))
                return result
            })
    }

    @discardableResult
    public func emit<E: Event>(contentsOf events: [E], options: EmitOptions) async throws -> [EventID] {
        guard !events.isEmpty else { return [] }
        let envelopes = context.envelopes
        try EnvelopeFactory.check(options, forCount: events.count)
        if context.column != nil { return try await emitWithRows(events, options) }
        var encoded = EncodedEvents(for: envelopes, capacity: 512 * events.count)
        for event in events { try encoded.append(event, options, envelopes) }
        return try await append(encoded)
    }

    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) async throws -> EventID {
        if context.column != nil { return try await emitWithRows([event], options)[0] }
        let envelopes = context.envelopes
        var encoded = EncodedEvents(for: envelopes)
        try encoded.append(event, options, envelopes)
        return try await append(encoded)[0]
    }

    private func append(_ events: consuming EncodedEvents) async throws -> [EventID] {
        let events = events
        return try await write(
            WriteRequest(bytes: events.storedBytes) { group in
                try group.checkRoom(forFurther: events.storedBytes)
                return try group.append(events)
            })
    }

    public func reserveRoom(for events: Int) async throws -> RoomReservation {
        let reservation = RoomReservation(events: events)
        let room = context.room
        return try await write(
            WriteRequest(bytes: reservation.bytes) { group in
                try group.checkRoom(forFurther: reservation.bytes)
                group.afterCommit.append { room.reserve(reservation.bytes) }
                return reservation
            })
    }

    public func cancel(_ reservation: RoomReservation) {
        context.room.giveBack(reservation.bytes)
    }

    @discardableResult
    public func emit(_ emissions: [Emission], into reservation: RoomReservation) async throws -> [EventID] {
        defer { context.room.giveBack(reservation.bytes) }
        if let column = context.column { return try await emitWithRows(emissions, column) }
        let events = try EncodedEvents(emissions, for: context.envelopes)
        guard !events.isEmpty else { return [] }
        // Not refused for want of room: it was reserved, and what is larger takes the reserve for settling. Nor cancelled:
        // the work that the events tell of is done.
        return try await writeUncancelled(
            WriteRequest(bytes: 0) { group in try group.append(events) })
    }

    public func receive(_ emissions: [Emission]) async throws -> ReceiveReport {
        if context.column != nil { throw StorageError.needsOutbox("events from elsewhere") }
        let events = try EncodedEvents(emissions, for: context.envelopes)
        return try await write(
            WriteRequest(bytes: events.storedBytes) { try $0.receive(events) })
    }

    // MARK: Delayed events

    public func publishDelayed(dueBy now: Date) async throws -> Date? {
        let context = context
        while true {
            // Most looks find nothing: only what is due is worth a commit.
            guard let next = try await reader.read({ try context.delayed($0).nextDue() }) else { return nil }
            guard next <= now else { return next }
            _ = try await writeUncancelled(
                WriteRequest(bytes: 0) { try $0.publishDelayed(dueBy: now, limit: 1_000) })
        }
    }

    public func delayedEvents(after position: DelayedEvent.Position?, limit: Int) async throws -> [DelayedEvent] {
        guard limit > 0 else { return [] }
        let context = context
        return try await reader.read { try context.delayedEvents($0, after: position, limit: limit) }
    }

    public func cancelDelayed(_ ids: [EventID]) async throws -> [EventID] {
        let wanted = Set(ids)
        let cancelled = try await writeUncancelled(
            WriteRequest(bytes: 64 * ids.count) { try $0.cancelDelayed(wanted) })
        return ids.filter { cancelled.contains($0) }
    }

    /// Reads a consistent snapshot, on the one thread on which this storage reads.
    ///
    /// A long body delays all other reads and claims of this storage, and what needs the store alone, and with it the writes:
    /// growing the map, opening the store again after a failed flush, ``close()``. Pages that are freed meanwhile are not
    /// used again, so that the store grows. Read much by pages, in calls of their own.
    public func read<R: Sendable>(
        _ body: @escaping @Sendable (LMDBReader) throws -> R
    ) async throws -> R {
        try context.environment.checkProcess()
        return try await reader.run { context in
            // Taken before the snapshot begins, so that the snapshot knows every one of them.
            let databases = context.handles.snapshot
            let transaction = try context.environment.beginRead()
            defer { transaction.abort() }
            let reader = LMDBReader(transaction: transaction, handles: context.handles, databases: databases)
            defer { reader.close() }
            let result = Result { try body(reader) }
            // Whatever the body made of it: it has seen a table as empty that is not.
            if let name = reader.unopenedTable { throw UnopenedTable(name: name) }
            return try result.get()
        }
    }

    /// See ``LMDBWriter/write(_:)``.
    func write<R: Sendable>(_ request: WriteRequest<R>) async throws -> R {
        try context.environment.checkProcess()
        return try await writer.write(request)
    }

    /// See ``LMDBWriter/writeUncancelled(_:)``.
    func writeUncancelled<R: Sendable>(_ request: WriteRequest<R>) async throws -> R {
        try context.environment.checkProcess()
        return try await writer.writeUncancelled(request)
    }
}

extension WriteGroup {
    /// Runs a transaction's body in a child of its own.
    /// - Parameter use: what it may take its room from.
    func run<R>(
        _ body: (LMDBTransaction) throws -> R, envelopes: EnvelopeFactory, use: Space.Use = .usual
    ) throws -> R {
        while true {
            let transaction = LMDBTransaction(group: self, envelopes: envelopes, use: use)
            defer { transaction.end() }
            let result = Result { try body(transaction) }
            if let table = transaction.missingTable {
                transaction.rollBack()
                try openTable(table)
                continue
            }
            do {
                let value = try result.get()
                if !transaction.events.isEmpty {
                    try checkRoom(
                        forFurther: transaction.writtenBytes + transaction.events.storedBytes, use: use)
                }
                try transaction.keep()
                wrote(transaction.writtenBytes)
                try store(transaction.events)
                return value
            } catch {
                transaction.rollBack()
                throw error
            }
        }
    }
}
#endif
