public import AfterCommit

/// An emitter for unit tests of code that emits: it keeps what it was given and delivers nothing.
public final class RecordingEmitter: EventEmitter {
    private let factory: EnvelopeFactory
    /// What was emitted, in order.
    public private(set) var events: [any Event] = []
    /// What was emitted as a storage would keep it, headers included, in order.
    public var envelopes: [Envelope] { emissions.map(\.envelope) }
    /// The same with delays and deduplication keys.
    public private(set) var emissions: [Emission] = []

    /// - Parameter envelopes: checks and encodes as a storage does, so that what a storage would refuse throws here too.
    public init(envelopes: EnvelopeFactory = EnvelopeFactory()) {
        factory = envelopes
    }

    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) throws -> EventID {
        let emission = try factory.emission(event, options: options, form: .bytes)
        if let key = emission.deduplication, let earlier = emissions.first(where: { $0.deduplication?.key == key.key }) {
            guard earlier.deduplication == key else {
                throw EmitError.deduplicationConflict(key: key.key, firstID: earlier.envelope.id)
            }
            return earlier.envelope.id
        }
        events.append(event)
        emissions.append(emission)
        return emission.envelope.id
    }

    /// The emitted events of one type, in order.
    public func events<E: Event>(of type: E.Type) -> [E] {
        events.compactMap { $0 as? E }
    }
}
