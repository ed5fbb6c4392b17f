import Synchronization

/// A storage that keeps everything in this process: for unit tests and for events that may be lost with the process.
///
/// Events stay Swift values; nothing is encoded. A crash loses what was not delivered, so each event is delivered
/// at least once while the process lives and at most once across its end.
public final class InMemoryStorage: TableStorage {
    /// The limits of an in-memory storage.
    public struct Configuration: Sendable {
        /// How many deliverable events it holds before emitters wait. Default 65,536.
        public var capacity: Int
        /// What an emitter meets when it is full. Default ``FullPolicy/suspend``.
        public var whenFull: FullPolicy
        /// How many delivered events stay for inspection. Default 1,000.
        public var retainedEvents: Int
        /// How many dead letters each subscription keeps; the oldest fall out and are counted. Default 10,000.
        public var maxDeadLetters: Int

        public init(
            capacity: Int = 65_536, whenFull: FullPolicy = .suspend, retainedEvents: Int = 1_000,
            maxDeadLetters: Int = 10_000
        ) {
            self.capacity = capacity
            self.whenFull = whenFull
            self.retainedEvents = retainedEvents
            self.maxDeadLetters = maxDeadLetters
        }
    }

    /// What an emitter meets when a storage is full.
    public enum FullPolicy: Sendable, Hashable {
        /// It waits for room; a transaction's body then runs again.
        case suspend
        /// It fails with ``StorageError/Code/storageFull``, and its transaction with it.
        case fail
    }

    public let name = "memory"
    public var coder: any EventCoder { envelopes.coder }

    let configuration: Configuration
    let envelopes: EnvelopeFactory
    let queue: Mutex<MemoryQueue>
    private let tables = MemoryTablesActor()

    /// - Parameters:
    ///   - configuration: the limits.
    ///   - envelopes: puts events into envelopes; its wall clock also dates redrives.
    public init(
        configuration: Configuration = Configuration(),
        envelopes: EnvelopeFactory = EnvelopeFactory()
    ) {
        self.configuration = configuration
        self.envelopes = envelopes
        queue = Mutex(MemoryQueue(configuration: configuration))
    }

    @discardableResult
    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (InMemoryTransaction) throws -> R
    ) async throws -> R {
        var reserved = 0
        while true {
            switch try await tables.run(body, storage: self, reserved: reserved) {
            case .committed(let result, let wake):
                wake?()
                return result
            case .full(let needed):
                try refuseIfImpossible(needed)
                try await reserveRoom(for: needed)
                reserved = needed
            }
        }
    }

    public func read<R: Sendable>(
        _ body: @escaping @Sendable (InMemoryReader) throws -> R
    ) async throws -> R {
        try await tables.read(body)
    }

    @discardableResult
    public func emit<E: Event>(
        contentsOf events: [E], headers: [String: String]
    ) async throws -> [EventID] {
        let wrapped = try events.map {
            EnvelopeBox(try envelopes.envelopeKeepingValue($0, headers: headers))
        }
        if !append(wrapped, reserved: 0) { try await appendWhenPossible(wrapped) }
        return wrapped.map(\.envelope.id)
    }

    @discardableResult
    public func emit<E: Event>(_ event: E, headers: [String: String]) async throws -> EventID {
        let envelope = try envelopes.envelopeKeepingValue(event, headers: headers)
        let box = EnvelopeBox(envelope)
        let (appended, wake) = queue.withLock { ($0.append(box), $0.wake) }
        if appended { wake?() } else { try await appendWhenPossible([box]) }
        return envelope.id
    }

    private func appendWhenPossible(_ envelopes: [EnvelopeBox]) async throws {
        try refuseIfImpossible(envelopes.count)
        try await reserveRoom(for: envelopes.count)
        _ = append(envelopes, reserved: envelopes.count)
    }

    /// Appends the events of a commit, if there is room, and wakes the engine.
    private func append(_ envelopes: [EnvelopeBox], reserved: Int) -> Bool {
        let (appended, wake) = queue.withLock {
            ($0.append(envelopes, reserved: reserved), $0.wake)
        }
        if appended, !envelopes.isEmpty { wake?() }
        return appended
    }

    private func refuseIfImpossible(_ count: Int) throws {
        if count > configuration.capacity {
            throw StorageError.storageFull(
                "\(count) events at once exceed the capacity of \(configuration.capacity); emit fewer at a time, or raise `capacity`"
            )
        }
        if configuration.whenFull == .fail {
            throw StorageError.storageFull(
                "\(configuration.capacity) events wait for delivery; emit again when some are delivered, or raise `capacity`"
            )
        }
    }

    private func reserveRoom(for count: Int) async throws {
        let id = queue.withLock { $0.nextWaiterID() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ready = queue.withLock {
                    $0.wait(MemoryQueue.RoomWaiter(id: id, count: count, continuation: continuation))
                }
                resume(ready)
                // The handler may have run before the waiter was there.
                if Task.isCancelled { cancelWaiter(id) }
            }
        } onCancel: {
            cancelWaiter(id)
        }
    }

    private func cancelWaiter(_ id: UInt64) {
        let (waiter, ready) = queue.withLock { ($0.removeWaiter(id), $0.grantRoom()) }
        waiter?.continuation.resume(throwing: CancellationError())
        resume(ready)
    }

    /// Lets emitters go on that room was found for; called outside the lock.
    func resume(_ waiters: [MemoryQueue.RoomWaiter]) {
        for waiter in waiters { waiter.continuation.resume() }
    }
}
