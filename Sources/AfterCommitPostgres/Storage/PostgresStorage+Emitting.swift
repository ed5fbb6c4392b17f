#if Postgres
public import AfterCommit

extension PostgresStorage {
    @discardableResult
    public func emit<E: Event>(contentsOf events: [E], options: EmitOptions) async throws -> [EventID] {
        try await store(try envelopes.emissions(events, options: options, form: queue.payloadForm))
    }

    /// The database has as much room as its disk: nothing is kept.
    public func reserveRoom(for events: Int) async throws -> RoomReservation {
        guard !pool.isClosed else { throw StorageError.closed }
        return RoomReservation(events: events)
    }

    public func cancel(_ reservation: RoomReservation) {}

    @discardableResult
    public func emit(_ emissions: [Emission], into reservation: RoomReservation) async throws -> [EventID] {
        try await store(emissions)
    }

    public func receive(_ emissions: [Emission]) async throws -> ReceiveReport {
        guard !emissions.isEmpty else { return ReceiveReport() }
        return try await transaction { tx in try tx.receive(emissions) }
    }

    private func store(_ emissions: [Emission]) async throws -> [EventID] {
        guard !emissions.isEmpty else { return [] }
        for emission in emissions { try queue.check(emission) }
        guard emissions.contains(where: { $0.deduplication != nil }) || !queue.storesTogether else {
            try await batcher.emit(emissions)
            queue.wake(StorageChange(emissions))
            return emissions.map(\.envelope.id)
        }
        // Another transaction may have the key: a transaction of its own waits for that.
        return try await transaction { tx in try emissions.map { try tx.emit($0) } }
    }

    /// Stores them in one commit, as the batcher does for many callers: what is sent together is one transaction.
    static func store(
        _ emissions: [Emission], in queue: any PostgresQueue, with runner: TransactionRunner
    ) async throws {
        let ids = emissions.map(\.envelope.id)
        try await runner.run { session in
            do {
                try session.pipeline(try queue.store(emissions, in: session))
            } catch let error as PostgresError where session.isLost {
                throw TransactionRunner.UnknownOutcome(
                    value: (), trace: .lookup { try queue.isStored(ids, in: $0) }, process: session.process,
                    cause: error)
            }
        }
    }
}
#endif
