/// Room in a storage that is kept free for events to come.
public struct RoomReservation: Sendable, Hashable {
    /// What is reserved for each event, in bytes, where a storage counts bytes. Larger events still fit, as far as the
    /// storage's own reserve goes.
    public static let bytesPerEvent = 4_096

    public let events: Int

    public init(events: Int) {
        self.events = events
    }
}
