public import AfterCommit

/// An emitter for unit tests of code that emits: it keeps what it was given and delivers nothing.
public final class RecordingEmitter: EventEmitter {
    private let ids: EventIDGenerator
    /// What was emitted, in order.
    public private(set) var events: [any Event] = []

    public init(ids: EventIDGenerator = EventIDGenerator()) {
        self.ids = ids
    }

    @discardableResult
    public func emit<E: Event>(_ event: E, headers: [String: String]) throws -> EventID {
        events.append(event)
        return ids.next()
    }

    /// The emitted events of one type, in order.
    public func events<E: Event>(of type: E.Type) -> [E] {
        events.compactMap { $0 as? E }
    }
}
