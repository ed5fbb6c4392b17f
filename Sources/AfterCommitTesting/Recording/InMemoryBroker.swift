public import AfterCommit
import DequeModule
import Foundation

/// A broker in this process, for tests of relays and consumers: one queue that sinks send to and sources take from.
///
/// ```swift
/// let broker = InMemoryBroker()
/// let relay = Subscription("relay", to: OrderPlaced.self, policy: .days, sink: broker.sink())
/// let consumer = try EventConsumer("platform", from: broker.source(), into: storage, logger: logger)
/// broker.isAway = true          // sends and receives fail until it is back
/// ```
public final class InMemoryBroker: Sendable {
    struct State {
        var queue: Deque<Stored> = []
        var rejected: [Stored] = []
        var outstanding: [IncomingMessage.Receipt: Stored] = [:]
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
        var lastNumber: UInt64 = 0
        var isAway = false
    }

    struct Stored: Sendable {
        var body: Data
        var contentType: String?
        var headers: [String: String]
        var key: String?
        var redeliveries = 0
    }

    let state = Locked(State())

    public init() {}

    /// A sink that sends to its queue.
    public func sink() -> any BatchEventSink { InMemorySink(broker: self) }

    /// A source that takes from its queue; several share what is there.
    public func source() -> any EventSource { InMemorySource(broker: self, channel: nextNumber()) }

    /// Whether it cannot be reached: sends, receives and settlements throw ``BrokerIsAway``.
    public var isAway: Bool {
        get { state.withLock { $0.isAway } }
        set {
            let waiters = state.withLock { state in
                state.isAway = newValue
                return newValue ? Self.takeWaiters(&state) : []
            }
            for waiter in waiters { waiter.resume(throwing: BrokerIsAway()) }
        }
    }

    /// Breaks all connections: what is out comes again.
    public func interrupt() {
        let waiters = state.withLock { state in
            Self.returnOutstanding(&state) { _ in true }
            return Self.takeWaiters(&state)
        }
        for waiter in waiters { waiter.resume(throwing: BrokerIsAway()) }
    }

    /// Puts a message into the queue that no sink of ours made.
    public func publish(_ message: ForeignMessage) {
        let attributes = message.attributes.map { (Self.attributePrefix + $0.key, $0.value) }
        store([
            Stored(
                body: Data(message.body), contentType: message.contentType,
                headers: Dictionary(uniqueKeysWithValues: attributes), key: message.key)
        ])
    }

    /// How many messages wait, or are out.
    public var count: Int { state.withLock { $0.queue.count + $0.outstanding.count } }

    /// The bodies of messages that were rejected, in order.
    public var rejectedBodies: [[UInt8]] { state.withLock { $0.rejected.map { Array($0.body) } } }

    static let attributePrefix = "ce_"

    func nextNumber() -> UInt64 {
        state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
    }

    func store(_ messages: [Stored]) {
        let waiters = state.withLock { state in
            state.queue.append(contentsOf: messages)
            return Self.takeWaiters(&state)
        }
        for waiter in waiters { waiter.resume() }
    }

    static func takeWaiters(_ state: inout State) -> [CheckedContinuation<Void, any Error>] {
        defer { state.waiters = [] }
        return state.waiters.map(\.continuation)
    }

    /// Puts what is out back at the front, in the order of its going out.
    static func returnOutstanding(_ state: inout State, _ isReturned: (IncomingMessage.Receipt) -> Bool) {
        let receipts = state.outstanding.keys.filter(isReturned).sorted { $0.tag > $1.tag }
        for receipt in receipts {
            guard var message = state.outstanding.removeValue(forKey: receipt) else { continue }
            message.redeliveries += 1
            state.queue.prepend(message)
        }
    }
}

/// The broker of a test is away, or its connection was broken.
public struct BrokerIsAway: Error, CustomStringConvertible {
    public let description = "the broker in memory is away"
}

/// Sends to an ``InMemoryBroker``.
struct InMemorySink: BatchEventSink {
    let broker: InMemoryBroker
    let batch = BatchSize(100)

    func send(_ events: [OutgoingEvent]) async -> [SendOutcome] {
        guard !broker.isAway else { return events.map { _ in .failed(BrokerIsAway()) } }
        broker.store(
            events.map { event in
                let cloudEvent = CloudEvent(event)
                let headers = cloudEvent.attributes.map { (InMemoryBroker.attributePrefix + $0.name, $0.value) }
                return InMemoryBroker.Stored(
                    body: cloudEvent.data, contentType: cloudEvent.contentType,
                    headers: Dictionary(headers, uniquingKeysWith: { $1 }), key: cloudEvent["partitionkey"])
            })
        return events.map { _ in .sent }
    }
}

/// Takes from an ``InMemoryBroker``.
struct InMemorySource: EventSource {
    let broker: InMemoryBroker
    let channel: UInt64
    var name: String { "memory/\(channel)" }

    func receive(upTo limit: Int) async throws -> [IncomingMessage] {
        while true {
            try Task.checkCancellation()
            let messages = try take(limit)
            if !messages.isEmpty { return messages }
            try await waitForMessages()
        }
    }

    private func take(_ limit: Int) throws -> [IncomingMessage] {
        try broker.state.withLock { state in
            guard !state.isAway else { throw BrokerIsAway() }
            var messages: [IncomingMessage] = []
            while messages.count < limit, let stored = state.queue.popFirst() {
                state.lastNumber += 1
                let receipt = IncomingMessage.Receipt(channel: channel, tag: state.lastNumber)
                state.outstanding[receipt] = stored
                messages.append(
                    IncomingMessage(
                        receipt: receipt, body: stored.body, contentType: stored.contentType, headers: stored.headers,
                        attributePrefixes: [InMemoryBroker.attributePrefix], key: stored.key,
                        redeliveries: stored.redeliveries))
            }
            return messages
        }
    }

    private func waitForMessages() async throws {
        let id = broker.nextNumber()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isReady = broker.state.withLock { state in
                    if state.queue.isEmpty, !state.isAway, !Task.isCancelled {
                        state.waiters.append((id, continuation))
                        return false
                    }
                    return true
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            let waiter = broker.state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    func settle(_ settlements: [MessageSettlement]) async throws {
        let waiters = try broker.state.withLock { state in
            guard !state.isAway else { throw BrokerIsAway() }
            for settlement in settlements {
                guard let message = state.outstanding[settlement.receipt] else { continue }
                switch settlement.outcome {
                case .accepted: state.outstanding[settlement.receipt] = nil
                case .rejected:
                    state.outstanding[settlement.receipt] = nil
                    state.rejected.append(message)
                case .returned:
                    InMemoryBroker.returnOutstanding(&state) { $0 == settlement.receipt }
                }
            }
            return state.queue.isEmpty ? [] : InMemoryBroker.takeWaiters(&state)
        }
        for waiter in waiters { waiter.resume() }
    }

    func close() async {
        let waiters = broker.state.withLock { state in
            InMemoryBroker.returnOutstanding(&state) { $0.channel == channel }
            return InMemoryBroker.takeWaiters(&state)
        }
        for waiter in waiters { waiter.resume() }
    }
}
