import Foundation

/// Messages that a source gave out together, and what they are. Pure.
struct MessageBatch: Sendable {
    let messages: [IncomingMessage]
    /// Those that are events.
    private(set) var events: [Emission] = []
    /// Where each event's message is among the messages.
    private(set) var positions: [Int] = []
    /// Why others are none, by their position.
    private(set) var unread: [Int: any Error] = [:]

    init(_ messages: [IncomingMessage], reading: MessageReading, now: Date) {
        self.messages = messages
        events.reserveCapacity(messages.count)
        positions.reserveCapacity(messages.count)
        for (position, message) in messages.enumerated() {
            do {
                events.append(try reading.event(message, now: now))
                positions.append(position)
            } catch {
                unread[position] = error
            }
        }
    }
}
