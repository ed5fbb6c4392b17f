import Foundation

/// What an engine checks of compensations before it starts.
extension EngineValidation {
    /// - Throws: ``EngineError``; ``StorageError`` with `needsOutbox` for a storage that has no place for them.
    static func validateCompensations(of subscriptions: [Subscription], storage: any EventStorage) throws {
        for subscription in subscriptions {
            for compensation in subscription.compensations {
                try validate(compensation, of: subscription)
                try validate(compensation, in: storage)
            }
        }
    }

    static func validate(_ compensation: Compensation, of subscription: Subscription) throws(EngineError) {
        let name = compensation.name
        guard !name.contains("*") else {
            throw invalid(
                "the compensation's name \(name.debugDescription) must have no star: it is the type of its events")
        }
        guard !compensation.reasons.isEmpty else {
            throw invalid("the compensation \(name) has no reasons: it would never run")
        }
        guard !compensation.reasons.contains(.malformed) else {
            throw invalid(
                "the compensation \(name) cannot have the reason malformed: of such a dead letter there is no event to undo"
            )
        }
        guard compensation.subscription.compensations.isEmpty else {
            throw invalid(
                "the compensation \(name) has a compensation itself, which would never run: look after its dead letters with onExhausted"
            )
        }
        for pattern in compensation.types.patterns where !subscription.types.mayGet(pattern) {
            throw invalid(
                "the compensation \(name) undoes \(pattern.rawValue), which \(subscription.name) never gets: name a type of that subscription"
            )
        }
    }

    /// Asks the storage whether it can store the compensation's event beside a dead letter.
    private static func validate(_ compensation: Compensation, in storage: any EventStorage) throws {
        let envelope = Envelope(
            id: storage.envelopes.ids.next(), type: Compensation.eventType(of: compensation.name),
            source: storage.envelopes.source, time: storage.envelopes.wallClock.now(), payload: .bytes(Data("{}".utf8)))
        do {
            try storage.validate(Emission(envelope: envelope))
        } catch let error as StorageError where error.code == .needsOutbox {
            throw StorageError.needsOutbox("a compensation")
        } catch {
            throw invalid("the storage cannot keep the events of the compensation \(compensation.name): \(error)")
        }
    }
}

extension EventTypeSelection {
    /// Whether a type may be of both.
    package func mayGet(_ pattern: EventTypePattern) -> Bool {
        guard let prefix = pattern.prefix else { return contains(EventType(rawValue: pattern.rawValue)) }
        return patterns.contains { own in
            guard let ownPrefix = own.prefix else { return Self([pattern]).contains(EventType(rawValue: own.rawValue)) }
            return ownPrefix.hasPrefix(prefix) || prefix.hasPrefix(ownPrefix)
        }
    }
}
