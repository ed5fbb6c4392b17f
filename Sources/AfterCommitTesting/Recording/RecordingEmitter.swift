public import AfterCommit

/// An emitter for unit tests of code that emits: it keeps what it was given and delivers nothing.
///
/// ```swift
/// let emitter = RecordingEmitter()
/// try ProcessOrder()(request, emitter)
/// try emitter.requireEmitted(OrderPlaced.self, count: 1) { $0.total > 0 }
/// ```
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
        if let key = emission.deduplication, let earlier = emissions.first(where: { $0.deduplication?.key == key.key })
        {
            guard earlier.deduplication == key else {
                throw EmitError.deduplicationConflict(key: key.callersKey, firstID: earlier.envelope.id)
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

    /// Throws unless events of this type were emitted that match.
    /// - Parameters:
    ///   - type: the type of event.
    ///   - count: how many, exactly. Default `nil`: one or more.
    ///   - file: where it is asked, for the error's text.
    ///   - line: where it is asked, for the error's text.
    ///   - matches: which of them count. Default: all.
    /// - Returns: those that match, in order.
    /// - Throws: ``RecordingFailure``, which says what was emitted instead.
    @discardableResult
    public func requireEmitted<E: Event>(
        _ type: E.Type, count: Int? = nil, file: StaticString = #fileID, line: UInt = #line,
        where matches: (E) -> Bool = { _ in true }
    ) throws -> [E] {
        try RecordingFailure.check(
            events(of: type).filter(matches), count: count, of: "matching events of type \(E.type) emitted",
            all: events.map { "\($0)" }, file, line)
    }

    /// Throws if anything was emitted.
    /// - Throws: ``RecordingFailure``, which says what.
    public func requireNothingEmitted(file: StaticString = #fileID, line: UInt = #line) throws {
        _ = try RecordingFailure.check(
            events, count: 0, of: "events emitted", all: events.map { "\($0)" }, file, line)
    }
}
