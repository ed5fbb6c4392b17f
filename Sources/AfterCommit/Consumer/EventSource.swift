/// Where events come from: a broker's queue or topic.
///
/// An ``EventConsumer`` takes from it. It is asked for messages and told what became of them, each at least once: what was
/// not settled when a connection ends is given out again. `BrokerConformanceSuite` of `AfterCommitTesting` checks one.
///
/// Messages are settled while a ``receive(upTo:)`` waits for others: neither may keep the other waiting.
public protocol EventSource: Sendable {
    /// What it takes from, for logs, such as `rabbitmq/orders`. No credentials.
    var name: String { get }

    /// Waits for messages and gives out what is there, in the order of their coming; it connects where it is not connected.
    ///
    /// How many messages are out at once is the source's own bound: it asks its broker for no more.
    /// - Parameter limit: the most messages that it returns, 1 or more.
    /// - Returns: at least one message.
    /// - Throws: `CancellationError` where the task is cancelled, and nothing is lost then; any other error where the broker
    ///   cannot be reached: the consumer asks again after a while.
    func receive(upTo limit: Int) async throws -> [IncomingMessage]

    /// Tells the broker what became of messages, in any order. What belongs to a connection that has ended is left out: the
    /// broker gives those messages out again.
    /// - Throws: where the broker cannot be told; it gives the messages out again.
    func settle(_ settlements: [MessageSettlement]) async throws

    /// Ends the connection, after what was settled is on its way. What is out comes again, to whoever takes from there then.
    func close() async
}

/// What became of a message.
public struct MessageSettlement: Sendable, Hashable {
    public enum Outcome: Sendable, Hashable {
        /// It is handled, or stored here: the broker may forget it.
        case accepted
        /// It can never be handled here: to the dead letters of the broker, as the source is configured.
        case rejected(reason: String)
        /// It is to be given out again.
        case returned
    }

    public var receipt: IncomingMessage.Receipt
    public var outcome: Outcome

    public init(_ receipt: IncomingMessage.Receipt, _ outcome: Outcome) {
        self.receipt = receipt
        self.outcome = outcome
    }
}
