/// Takes events for ``EventEngine/afterCommit(reserving:_:)`` until its scope has returned.
public final class ScopedEmitter: EventEmitter, Sendable {
    private struct State {
        var emissions: [Emission] = []
        var isOpen = true
    }

    private let envelopes: EnvelopeFactory
    private let limit: Int
    private let state = Locked(State())

    init(envelopes: EnvelopeFactory, limit: Int) {
        self.envelopes = envelopes
        self.limit = limit
    }

    /// Takes an event; it is stored after the scope has returned.
    /// - Throws: ``EmitError`` with `scopeEnded`, or `moreThanReserved`.
    @discardableResult
    public func emit<E: Event>(_ event: E, options: EmitOptions) throws -> EventID {
        let emission = try envelopes.emission(event, options: options, form: .bytes)
        try state.withLock { state throws(EmitError) in
            guard state.isOpen else { throw EmitError.scopeEnded }
            guard state.emissions.count < limit else { throw EmitError.moreThanReserved(count: limit) }
            state.emissions.append(emission)
        }
        return emission.envelope.id
    }

    func close() -> [Emission] {
        state.withLock { state in
            state.isOpen = false
            return state.emissions
        }
    }
}
