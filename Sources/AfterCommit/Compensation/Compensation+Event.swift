package import Foundation

/// Which dead letters are compensated, and by which event. Pure.
extension Compensation {
    /// What the types of all compensations begin with; events of a program's own must not.
    package static let typePrefix = "aftercommit.compensation."

    /// The type of a compensation's events: `aftercommit.compensation.` and its name. Only its own subscription gets them, and
    /// patterns that match them, such as `*`.
    ///
    /// The name is the compensation's, so that renaming the subscription that it undoes loses none that waits.
    public static func eventType(of name: String) -> EventType {
        EventType(rawValue: typePrefix + name)
    }

    /// Whether it undoes this one. A compensation is never compensated: one of `*` would go on for ever.
    package func compensates(_ letter: DeadLetter) -> Bool {
        reasons.contains(letter.reason) && types.contains(letter.envelope.type)
            && !letter.envelope.type.rawValue.hasPrefix(Self.typePrefix)
    }

    /// The event that undoes a dead letter's: its payload, version, key and headers, with what it was caused by.
    package func emission(for letter: DeadLetter, id: EventID, time: Date, source: String) -> Emission {
        var envelope = letter.envelope
        let dead = envelope.id
        envelope.id = id
        envelope.type = Self.eventType(of: name)
        envelope.time = time
        envelope.source = source
        envelope.headers["causationid"] = "\(dead)"
        if envelope.headers["correlationid"] == nil { envelope.headers["correlationid"] = "\(dead)" }
        envelope.headers["deadletter"] = "\(letter.id)"
        envelope.headers["deadletterreason"] = "\(letter.reason)"
        return Emission(envelope: envelope, deduplication: deduplication(of: dead, as: envelope.type))
    }

    /// One for each event: it stands for no payload, which is the event's own. Neither a caller's key nor an id looks like it.
    private func deduplication(of event: EventID, as type: EventType) -> Emission.Deduplication {
        Emission.Deduplication(
            key: "compensation/\(event)/\(name)",
            fingerprint: Emission.Deduplication.fingerprint(type: type, payload: Data()))
    }
}
