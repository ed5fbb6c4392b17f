/// Something that happened in a business transaction, told to handlers after its commit.
///
/// ```swift
/// struct OrderPlaced: Event {
///     static let type: EventType = "order.placed"
///     var orderID: UUID
///     var orderingKey: String? { orderID.uuidString }
/// }
/// ```
public protocol Event: Codable, Sendable {
    /// The name on the wire. It must never change once events are stored.
    static var type: EventType { get }

    /// The version of the payload's shape, stored with each event. Default 1.
    /// Raise it when the shape changes: a binary that knows only an earlier version then parks the event.
    static var schemaVersion: Int { get }

    /// How payloads of earlier schema versions are read. Default none.
    static var upcasters: [Upcaster<Self>] { get }

    /// Events with the same key are delivered to a subscription one at a time, in commit order.
    /// Default `nil`: no order is kept. It is the CloudEvents `subject` and `partitionkey`.
    var orderingKey: String? { get }
}

extension Event {
    public static var schemaVersion: Int { 1 }
    public static var upcasters: [Upcaster<Self>] { [] }
    public var orderingKey: String? { nil }
}
