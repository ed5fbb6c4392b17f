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
