package import Foundation

/// What an event says of itself beside its payload.
package struct EventHead: Sendable {
    package let type: EventType
    package let schemaVersion: Int
    package let orderingKey: String?
}

/// What an event is given when it is emitted.
package struct EventStamp: Sendable {
    package let id: EventID
    package let time: Date
    package let headers: [String: String]
}

extension EventHead {
    /// What an event said that is in its envelope already.
    package init(_ envelope: Envelope) {
        self.init(
            type: envelope.type, schemaVersion: envelope.schemaVersion, orderingKey: envelope.orderingKey)
    }
}

extension EventStamp {
    /// What an event was given that is in its envelope already.
    package init(_ envelope: Envelope) {
        self.init(id: envelope.id, time: envelope.time, headers: envelope.headers)
    }
}
