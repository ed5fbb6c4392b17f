#if LMDB
public import AfterCommit

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

    @discardableResult
    public func emit<E: Event>(
        contentsOf events: [E], headers: [String: String]
    ) async throws -> [EventID] {
        guard !events.isEmpty else { return [] }
        var encoded = EncodedEvents()
        var ids: [EventID] = []
        ids.reserveCapacity(events.count)
        for event in events {
            let envelope = try context.envelopes.envelopeEncoding(event, headers: headers)
            try encoded.append(envelope, coder: context.envelopes.coder)
            ids.append(envelope.id)
        }
        let batch = encoded
        try await write(
            WriteRequest(bytes: batch.storedBytes) { group in
                try group.checkRoom(forFurther: batch.storedBytes)
                try group.append(batch)
            })
        return ids
    }

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

    /// Queues a write and waits for its commit. Cancelled while it waits, it never runs.
    func write<R: Sendable>(_ request: WriteRequest<R>) async throws -> R {
        try context.environment.checkProcess()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if request.wait(continuation) { writer.submit(request) }
            }
        } onCancel: {
            request.cancel()
        }
    }

    /// Queues a write and waits for its commit, whether or not the task is cancelled: an outcome must not be lost to a shutdown.
    func writeUncancelled<R: Sendable>(_ request: WriteRequest<R>) async throws -> R {
        try context.environment.checkProcess()
        return try await withCheckedThrowingContinuation { continuation in
            if request.wait(continuation) { writer.submit(request) }
        }
    }
}

extension WriteGroup {
    /// Runs a transaction's body in a child of its own.
    func run<R>(_ body: (LMDBTransaction) throws -> R, envelopes: EnvelopeFactory) throws -> R {
        while true {
            let transaction = LMDBTransaction(group: self, envelopes: envelopes)
            let result = Result { try body(transaction) }
            if let table = transaction.missingTable {
                transaction.rollBack()
                try openTable(table)
                continue
            }
            do {
                let value = try result.get()
                let events = transaction.events
                if !events.isEmpty {
                    try checkRoom(forFurther: transaction.writtenBytes + events.storedBytes)
                }
                try transaction.keep()
                wrote(transaction.writtenBytes)
                try append(events)
                return value
            } catch {
                transaction.rollBack()
                throw error
            }
        }
    }
}
#endif
