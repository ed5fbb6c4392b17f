public import Foundation

extension TransactionalStorage {
    /// Does something once for a key: the key, the result and what `body` writes and emits are one commit.
    ///
    /// A key that is known runs nothing and returns the stored result. It is the inbox of an idempotent handler:
    ///
    /// ```swift
    /// try await storage.once(context.idempotencyKey, request: context.payload()) { tx in
    ///     try tx.insert(Shipment(order: event.orderID))
    /// }
    /// ```
    ///
    /// Keys are remembered for ``EventStorage/inboxWindow``. A body that throws leaves no trace, and the key stays free.
    /// - Parameters:
    ///   - key: 1 to 390 bytes, such as ``DeliveryContext/idempotencyKey``.
    ///   - request: the request's bytes. The same key with other bytes is an error. Default `nil`: not compared.
    ///   - body: as in ``transaction(_:)``: synchronous, and without effects outside its transaction.
    /// - Throws: ``InboxError``; what `body` threw; ``StorageError``.
    @discardableResult
    public func once<R: Codable & Sendable>(
        _ key: String, request: Data? = nil, _ body: @escaping @Sendable (Transaction) throws -> R
    ) async throws -> InboxResult<R> {
        let inbox = Inbox(storage: self)
        return try await transaction { tx in
            try inbox.once(key, request: request, in: tx) { try body(tx) }
        }
    }

    /// Does something once for a key that has no result, as the other `once` does.
    /// - Returns: whether it was done now: `false` for a key that is known.
    @discardableResult
    public func once(
        _ key: String, request: Data? = nil, _ body: @escaping @Sendable (Transaction) throws -> Void
    ) async throws -> Bool {
        let inbox = Inbox(storage: self)
        return try await transaction { tx in
            try !inbox.once(key, request: request, in: tx) {
                try body(tx)
                return true
            }.isDuplicate
        }
    }

    /// Does something once for a key inside a transaction that is open already, such as a transactional handler's.
    @discardableResult
    public func once<R: Codable & Sendable>(
        _ key: String, request: Data? = nil, in tx: Transaction, _ body: () throws -> R
    ) throws -> InboxResult<R> {
        try Inbox(storage: self).once(key, request: request, in: tx, body)
    }

    /// Records a step of work that is under way, in a short commit of its own: readable at once, by ``inboxRecord(for:)``.
    /// - Throws: ``InboxError`` with `alreadyCompleted` for work that is done.
    public func recordProgress(_ step: String, detail: String = "", for key: String) async throws {
        let inbox = Inbox(storage: self)
        try await transaction { tx in try inbox.recordProgress(step, detail, key, in: tx) }
    }

    /// What the inbox has under a key; `nil` for a key that is not known, or not any more.
    public func inboxRecord(for key: String) async throws -> InboxRecord? {
        let inbox = Inbox(storage: self)
        return try await transaction { tx in try inbox.record(for: key, in: tx) }
    }
}

/// The inbox's decisions on one storage.
struct Inbox: Sendable {
    private let coder: any EventCoder
    private let wallClock: any WallClock
    private let window: Duration

    init(storage: some EventStorage) {
        coder = storage.envelopes.coder
        wallClock = storage.envelopes.wallClock
        window = storage.inboxWindow
    }

    func once<R: Codable & Sendable>(
        _ key: String, request: Data?, in tx: some StorageTransaction, _ body: () throws -> R
    ) throws -> InboxResult<R> {
        let fingerprint = request.map { Emission.Deduplication.fingerprint(type: "", payload: $0) } ?? 0
        let known = try record(for: key, in: tx)
        if let known, known.fingerprint != 0, fingerprint != 0, known.fingerprint != fingerprint {
            throw InboxError(
                .requestConflict,
                "the key \(key.debugDescription) stands for another request; use a new key for a new request")
        }
        if let stored = known?.result {
            do {
                return InboxResult(value: try coder.decodeValue(R.self, from: stored), isDuplicate: true)
            } catch {
                throw InboxError(
                    .resultType,
                    "the result stored under \(key.debugDescription) is no \(R.self): \(error)")
            }
        }
        let value = try body()
        let now = wallClock.now()
        var record = known ?? InboxRecord(key: key, startedAt: now)
        record.fingerprint = fingerprint
        record.result = try coder.encodeValue(value)
        record.completedAt = now
        try tx.putInboxRecord(record, window: window)
        return InboxResult(value: value, isDuplicate: false)
    }

    func recordProgress(
        _ step: String, _ detail: String, _ key: String, in tx: some StorageTransaction
    ) throws {
        let now = wallClock.now()
        var record = try record(for: key, in: tx) ?? InboxRecord(key: key, startedAt: now)
        guard !record.isCompleted else {
            throw InboxError(
                .alreadyCompleted, "the work under \(key.debugDescription) is done; it has no further steps")
        }
        record.steps.append(InboxRecord.Step(name: step, detail: detail, at: now))
        try tx.putInboxRecord(record, window: window)
    }

    /// One that is older than the window is as good as forgotten.
    func record(for key: String, in tx: some StorageTransaction) throws -> InboxRecord? {
        guard (1...InboxRecord.maxKeyBytes).contains(key.utf8.count) else {
            throw InboxError(
                .keyLength, "an inbox key has 1 to \(InboxRecord.maxKeyBytes) bytes, this one \(key.utf8.count)")
        }
        guard let record = try tx.inboxRecord(for: key),
            wallClock.now().timeIntervalSince(record.startedAt) < window.timeInterval
        else { return nil }
        return record
    }
}
