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
        /// Whether each event is encoded and decoded when it is emitted, to catch what a storage that keeps bytes would
        /// refuse or change: payloads that cannot be encoded, are too large, or come back as another value.
        /// Default: on in debug builds, as tests are, and off in release builds.
        public var codingCheck: Bool

        public init(
            capacity: Int = 65_536, whenFull: FullPolicy = .suspend, retainedEvents: Int = 1_000,
            maxDeadLetters: Int = 10_000, codingCheck: Bool = InMemoryStorage.isDebugBuild
        ) {
            self.codingCheck = codingCheck
            self.capacity = capacity
            self.whenFull = whenFull
            self.retainedEvents = retainedEvents
            self.maxDeadLetters = maxDeadLetters
        }
    }

    /// Whether this package was built for debugging.
    public static let isDebugBuild: Bool = {
        #if DEBUG
        true
        #else
        false
        #endif
    }()

    /// What an emitter meets when a storage is full.
    public enum FullPolicy: Sendable, Hashable {
        /// It waits for room; a transaction's body then runs again.
        case suspend
        /// It fails with ``StorageError/Code/storageFull``, and its transaction with it.
        case fail
    }

    public let name = "memory"
    public let envelopes: EnvelopeFactory

    let configuration: Configuration
    let payloadForm: EnvelopeFactory.PayloadForm
    let queue: Locked<MemoryQueue>
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
        payloadForm = configuration.codingCheck ? .checkedValue : .value
        queue = Locked(MemoryQueue(configuration: configuration))
    }

    @discardableResult
    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (InMemoryTransaction) throws -> R
    ) async throws -> R {
        guard let result = try await transaction(settling: nil, body) else {
            throw StorageError(.systemFailure, "a transaction without a delivery was taken for a settled one")
        }
        return result
    }

    public func transaction<R: Sendable>(
        settling delivery: DeliveryID, _ body: @escaping @Sendable (InMemoryTransaction) throws -> R
    ) async throws -> R? {
        try await transaction(settling: Optional(delivery), body)
    }

    private func transaction<R: Sendable>(
        settling delivery: DeliveryID?, _ body: @escaping @Sendable (InMemoryTransaction) throws -> R
    ) async throws -> R? {
        var reserved = 0
        while true {
            switch try await tables.run(body, storage: self, settling: delivery, reserved: reserved) {
            case .committed(let result, let wake):
                wake?()
                return result
            case .alreadySettled:
                return nil
            case .again:
                reserved = 0
            case .full(let needed):
                try refuseIfImpossible(needed)
                try await waitForRoom(needed)
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
    public func emit<E: Event>(contentsOf events: [E], options: EmitOptions) async throws -> [EventID] {
        try await append(try envelopes.emissions(events, options: options, form: payloadForm), reserved: 0)
    }

    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) async throws -> EventID {
        let emission = try envelopes.emission(event, options: options, form: payloadForm)
        if emission.deliverAt == nil, emission.deduplication == nil {
            let (appended, wake) = queue.withLock { ($0.append(emission.box), $0.wake) }
            if appended {
                wake?(.claimable)
                return emission.envelope.id
            }
        }
        return try await append([emission], reserved: 0)[0]
    }

    @discardableResult
    public func emit(_ emissions: [Emission], into reservation: RoomReservation) async throws -> [EventID] {
        try await append(emissions, reserved: reservation.events)
    }

    public func receive(_ emissions: [Emission]) async throws -> ReceiveReport {
        var reserved = 0
        while true {
            let now = envelopes.wallClock.now()
            let (result, wake, ready) = queue.withLock {
                ($0.receive(emissions, reserved: reserved, now: now), $0.wake, $0.grantRoom())
            }
            resume(ready)
            if let result {
                if !result.change.isEmpty { wake?(result.change) }
                return result.report
            }
            try refuseIfImpossible(emissions.count)
            try await waitForRoom(emissions.count)
            reserved = emissions.count
        }
    }

    public func reserveRoom(for events: Int) async throws -> RoomReservation {
        let isGranted = queue.withLock { $0.grant(events) }
        if !isGranted {
            try refuseIfImpossible(events)
            try await waitForRoom(events)
        }
        return RoomReservation(events: events)
    }

    public func cancel(_ reservation: RoomReservation) {
        resume(queue.withLock { $0.giveBack(reservation.events) })
    }

    /// Appends what a commit emits, once there is room, and wakes the engine.
    private func append(_ emissions: [Emission], reserved granted: Int) async throws -> [EventID] {
        var reserved = granted
        while true {
            let now = envelopes.wallClock.now()
            let (result, wake, ready) = queue.withLock {
                ($0.append(emissions, reserved: reserved, now: now), $0.wake, $0.grantRoom())
            }
            resume(ready)
            switch result {
            case .stored(let ids, let change):
                if !change.isEmpty { wake?(change) }
                return ids
            case .refused(let error):
                throw error
            case .full(let needed):
                try refuseIfImpossible(needed)
                try await waitForRoom(needed)
                reserved = needed
            }
        }
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

    private func waitForRoom(_ count: Int) async throws {
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
