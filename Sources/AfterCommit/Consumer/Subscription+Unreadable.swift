extension Subscription {
    /// Holds messages that are no events: each is a dead letter at once, and redriven it is read again.
    static func unreadable(_ reading: MessageReading, wallClock: any WallClock) -> Subscription {
        let message = UnreadableMessage(consumer: reading.consumer)
        return Subscription(
            "\(reading.consumer).unreadable", types: [EventTypePattern(message.type)], policy: .standard,
            // What it finds says nothing of any endpoint.
            endpoint: Endpoint("\(reading.consumer).unreadable", breaker: nil), start: .beginning, onExhausted: nil
        ) { _, context in
            guard context.replayCount > 0 else {
                throw MalformedPayload(reason: UnreadableMessage.reason(of: context.envelope))
            }
            do {
                let again = try UnreadableMessage.message(
                    of: context.envelope, attributePrefixes: IncomingMessage.allAttributePrefixes)
                try context.forward(try reading.event(again, now: wallClock.now()))
                return .succeeded
            } catch {
                throw MalformedPayload(reason: "\(error)")
            }
        }
    }
}

extension IncomingMessage {
    /// Of the bindings of HTTP, Kafka and AMQP.
    static let allAttributePrefixes = ["ce_", "ce-", "cloudEvents_", "cloudEvents:"]
}
