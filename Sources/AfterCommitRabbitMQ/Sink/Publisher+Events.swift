#if RabbitMQ
import AfterCommit

extension Publisher {
    /// Takes what the broker has said.
    func read() throws(RabbitMQError) {
        while let event = try connection?.nextEvent() { take(event) }
    }

    private func take(_ event: BrokerEvent) {
        switch event {
        case .confirmed(let tag, let multiple):
            hasConfirmed = true
            gate.succeeded()
            ledger.settle(tag: tag, multiple: multiple) { settled in
                let outcome: SendOutcome = settled.returned.map { .failed($0) } ?? .sent
                settled.ticket.batch.settle(settled.ticket.position, outcome)
            }
        case .refused(let tag, let multiple):
            let error = RabbitMQError(
                .refused, "the broker did not take the event: a queue is full or could not store it")
            ledger.settle(tag: tag, multiple: multiple) { settled in
                settled.ticket.batch.settle(settled.ticket.position, .failed(settled.returned ?? error))
            }
        case .returned(let message):
            guard let id = EventID(message.messageID) else { return }
            ledger.returned(id: id, route: message.route, .returned(message))
        case .channelClosed(let error):
            if let refusal = MessageSizeRefusal(error) { take(refusal) }
            failAll(error)
        case .blocked(let reason):
            blockedReason = RabbitMQError.oneLine(reason)
            // What was written waits for its confirm. The broker reads nothing more until it has room.
            for place in queue.removeAll() {
                place.batch.settle(place.position, .failed(RabbitMQError(.blocked, blockedReason ?? "")))
            }
        case .unblocked: blockedReason = nil
        case .delivered, .consumerCancelled: return
        }
    }

    /// The broker closes the channel for one message that is too large; which one, its size tells.
    private func take(_ refusal: MessageSizeRefusal) {
        maxMessageBytes = min(maxMessageBytes, refusal.limit)
        for place in ledger.pending where place.batch.message(place.position)?.body.count ?? 0 > refusal.limit {
            place.batch.settle(place.position, .failed(HandlerOutcome.tooLarge(limit: refusal.limit)))
        }
    }

    /// All that is under way on a channel that is gone, or is to be written on it. Their batches have nothing else.
    func failAll(_ error: RabbitMQError) {
        let pending = ledger.pending
        ledger = ConfirmLedger()
        for place in pending + queue.removeAll() + writer.reset() where !place.batch.isDone {
            place.batch.abandon(error)
        }
    }
}

/// How the broker says that a message is too large (channel exception 406).
struct MessageSizeRefusal: Equatable {
    let size: Int
    let limit: Int

    init?(_ error: RabbitMQError) {
        guard error.replyCode == 406, let start = error.message.firstRange(of: "message size ") else { return nil }
        let numbers = error.message[start.upperBound...].split { !$0.isNumber }.compactMap { Int($0) }
        guard numbers.count >= 2, numbers[0] > numbers[1] else { return nil }
        (size, limit) = (numbers[0], numbers[1])
    }
}

extension RabbitMQError {
    static func returned(_ message: ReturnedMessage) -> Self {
        let route = message.route
        let place = "exchange \"\(route.exchange)\", routing key \"\(route.routingKey)\""
        return RabbitMQError(.unroutable, oneLine("\(message.text): \(place)"), replyCode: message.code)
    }
}

extension HandlerOutcome {
    static func tooLarge(limit: Int) -> Self {
        .permanent(RabbitMQError(.tooLarge, "the message is larger than \(limit) bytes"))
    }
}
#endif
