public import Foundation

/// Where a subscription can send events instead of calling a handler: an HTTP receiver, a broker.
public protocol EventSink: Sendable {
    /// Sends one event and returns when the receiver has it for certain.
    /// - Throws: ``HandlerOutcome`` to steer the delivery, any other error for a failed attempt.
    func send(_ payload: Data, context: DeliveryContext) async throws
}

/// A sink that sends several events at once and learns of each what became of it: publisher confirms of RabbitMQ, delivery
/// reports of Kafka. A subscription to it gives it batches.
public protocol BatchEventSink: EventSink {
    /// How many events it takes at once.
    var batch: BatchSize { get }

    /// Sends events, none with the ordering key of another, and returns when each one's fate is known.
    /// - Returns: an outcome for each event, in order.
    func send(_ events: [OutgoingEvent]) async -> [SendOutcome]
}

/// An event on its way out.
public struct OutgoingEvent: Sendable {
    public let payload: Data
    public let context: DeliveryContext

    public init(payload: Data, context: DeliveryContext) {
        self.payload = payload
        self.context = context
    }
}

/// What became of one event that was sent.
public enum SendOutcome: Sendable {
    /// The receiver has it for certain.
    case sent
    /// ``HandlerOutcome`` steers the delivery; any other error is a failed attempt.
    case failed(any Error)
}

/// A sink broke its promise of an outcome for each event. What it did not tell of counts as failed and is sent again.
public struct MissingSendOutcome: Error, CustomStringConvertible {
    public let description = "the sink returned fewer outcomes than it was given events; return one for each, in order"
}

extension BatchEventSink {
    /// Sends one event: a batch of one.
    public func send(_ payload: Data, context: DeliveryContext) async throws {
        switch await send([OutgoingEvent(payload: payload, context: context)]).first {
        case .sent: return
        case .failed(let error): throw error
        case nil: throw MissingSendOutcome()
        }
    }
}
