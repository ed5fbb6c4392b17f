public import Foundation

/// Where a subscription can send events instead of calling a handler: an HTTP receiver, a broker.
public protocol EventSink: Sendable {
    /// Sends one event and returns when the receiver has it for certain.
    /// - Throws: ``HandlerOutcome`` to steer the delivery, any other error for a failed attempt.
    func send(_ payload: Data, context: DeliveryContext) async throws
}
