public import AfterCommit

/// An emitter for unit tests of code that emits: it keeps what it was given and delivers nothing.
public final class RecordingEmitter: EventEmitter {
    private let factory: EnvelopeFactory
    /// What was emitted, in order.
    public private(set) var events: [any Event] = []
    /// What was emitted as a storage would keep it, headers included, in order.
    public private(set) var envelopes: [Envelope] = []

    /// - Parameter envelopes: checks and encodes as a storage does, so that what a storage would refuse throws here too.
    public init(envelopes: EnvelopeFactory = EnvelopeFactory()) {
        factory = envelopes
    }

    @discardableResult
    public func emit<E: Event>(_ event: E, headers: [String: String]) throws -> EventID {
        let envelope = try factory.envelopeEncoding(event, headers: headers)
        events.append(event)
        envelopes.append(envelope)
        return envelope.id
    }

    /// The emitted events of one type, in order.
    public func events<E: Event>(of type: E.Type) -> [E] {
        events.compactMap { $0 as? E }
    }
}
