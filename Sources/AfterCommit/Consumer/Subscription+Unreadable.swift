extension Subscription {
    /// Holds messages that are no events: each is a dead letter at once, and redriven it is read again.
    static func unreadable(_ reading: MessageReading, storage: any EventStorage) -> Subscription {
        let message = UnreadableMessage(consumer: reading.consumer)
        return Subscription(
            "\(reading.consumer).unreadable", types: [EventTypePattern(message.type)], policy: .standard,
            // What it finds says nothing of any endpoint.
            endpoint: Endpoint("\(reading.consumer).unreadable", breaker: nil), start: .beginning, onExhausted: nil
        ) { _, context in
            guard context.replayCount > 0 else {
                throw MalformedPayload(reason: UnreadableMessage.reason(of: context.envelope))
            }
            let emission: Emission
            do {
                let again = try UnreadableMessage.message(
                    of: context.envelope, attributePrefixes: IncomingMessage.allAttributePrefixes)
                emission = try reading.event(again, now: storage.envelopes.wallClock.now())
            } catch {
                throw MalformedPayload(reason: "\(error)")
            }
            // Not with the settlement, which could not tell of a refusal. Stored twice after a crash it is one event.
            if let refusal = try await storage.receive([emission]).refused[0] {
                throw MalformedPayload(reason: "\(refusal)")
            }
            return .succeeded
        }
    }
}

extension IncomingMessage {
    /// Of the bindings of HTTP, Kafka and AMQP.
    static let allAttributePrefixes = ["ce_", "ce-", "cloudEvents_", "cloudEvents:"]
}
