#if Kafka
import AfterCommit
import Logging

extension KafkaConsumer {
    /// Waits for messages.
    /// - Throws: ``KafkaError``, `CancellationError`.
    func receive(upTo limit: Int) async throws -> [GivenMessage] {
        try connect()
        lastWaiter += 1
        let id = lastWaiter
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiters.append(Waiter(id: id, limit: max(1, limit), continuation: continuation))
                giveOut()
            }
        } onCancel: {
            // It comes after what is above: both run here, one after the other.
            Task { await self.cancel(id) }
        }
    }

    /// One who has been given messages gets them.
    private func cancel(_ id: Int) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters.remove(at: index).continuation.resume(throwing: CancellationError())
    }

    private func connect() throws(KafkaError) {
        guard !isClosing else { throw .closed }
        if handle == nil {
            if let refusal = renewal.refusal(now: time.now()) { throw refusal }
            do throws(KafkaError) {
                handle = try Self.makeHandle(configuration, group, signal)
            } catch {
                renewal.failed(error, now: time.now())
                throw error
            }
        }
        guard !isSubscribed else { return }
        try handle?.subscribe(topics)
        isSubscribed = true
    }

    /// Gives those who wait what is there, one after the other.
    func giveOut() {
        while let waiter = waiters.first {
            let messages = take(upTo: waiter.limit)
            if messages.isEmpty {
                guard let failure else { return }
                self.failure = nil
                waiters.removeFirst().continuation.resume(throwing: failure)
            } else {
                waiters.removeFirst().continuation.resume(returning: messages)
            }
        }
    }

    /// Stops partitions of which too much is kept, and lets those go on that were stopped.
    func controlFlow() {
        let (bound, overflow) = settings.maxOutstanding.multipliedReportingOverflow(by: 16)
        let change = assignment.controlFlow(bound: overflow ? .max : bound)
        do throws(KafkaError) {
            try handle?.pause(change.paused)
            try handle?.resume(change.resumed)
        } catch {
            // Nobody knows which partitions go on now.
            ending = error
            signal.raise()
        }
        if !change.paused.isEmpty {
            logger.warning(
                "partitions wait for a message that is not settled", metadata: [LogKey.count: "\(change.paused.count)"])
        }
    }

    /// Takes at most so many messages, and no more than may be out.
    private func take(upTo limit: Int) -> [GivenMessage] {
        var messages = assignment.takeReturned(upTo: limit, now: time.now())
        guard let handle else { return messages }
        while true {
            let room = min(limit - messages.count, settings.maxOutstanding - assignment.outstanding)
            guard room > 0 else { return messages }
            let taken = handle.takeMessages(upTo: room) { place, offset, message in
                guard let channel = assignment.channel(of: place) else { return }
                guard let receipt = assignment.give(message, offset: offset, channel: channel) else { return }
                messages.append(GivenMessage(receipt: receipt, message: message))
            } failure: { error in
                note(error)
            }
            endIfFailed()
            controlFlow()
            if taken == 0 || self.handle == nil { break }
        }
        if !messages.isEmpty { renewal.succeeded() }
        return messages
    }
}
#endif
