#if Kafka
import AfterCommit
import CRDKafka
import Logging

extension KafkaConsumer {
    private typealias Rejection = (receipt: IncomingMessage.Receipt, reason: String)

    /// - Throws: ``KafkaError`` where dead letters cannot be written, or offsets not stored.
    func settle(_ settlements: [MessageSettlement]) async throws(KafkaError) {
        var accepted: [IncomingMessage.Receipt] = []
        var rejected: [Rejection] = []
        accepted.reserveCapacity(settlements.count)
        for settlement in settlements {
            switch settlement.outcome {
            case .accepted: accepted.append(settlement.receipt)
            case .rejected(let reason): rejected.append((settlement.receipt, reason))
            case .returned: assignment.giveBack(settlement.receipt)
            }
        }
        var failure: KafkaError?
        do throws(KafkaError) { try store(accepted) } catch { failure = error }
        // There is room again, and what was returned can be given out, whatever comes of the rest.
        controlFlow()
        giveOut()
        if !rejected.isEmpty {
            // What cannot be stored is no reason to forget what was rejected.
            do throws(KafkaError) { try await reject(rejected) } catch { failure = failure ?? error }
            controlFlow()
            giveOut()
        }
        if let failure { throw failure }
    }

    private func store(_ receipts: [IncomingMessage.Receipt]) throws(KafkaError) {
        var offsets: [TopicPartition: Int64] = [:]
        for receipt in receipts {
            guard let moved = assignment.settle(receipt) else { continue }
            offsets[moved.place] = moved.offset
        }
        guard !offsets.isEmpty else { return }
        try handle?.store(offsets.map { (place: $0.key, offset: $0.value) })
    }

    /// Writes dead letters. What cannot be written is given out again, after a while.
    private func reject(_ rejections: [Rejection]) async throws(KafkaError) {
        guard let deadLetterTopic else {
            giveBackLater(rejections.map(\.receipt))
            throw KafkaError(
                .deadLetterTopicMissing,
                "a message of \(group) can never be handled; set the source's deadLetterTopic, where such go")
        }
        var records: [KafkaRecord] = []
        var receipts: [IncomingMessage.Receipt] = []
        for rejection in rejections {
            guard let (place, message) = assignment[rejection.receipt] else { continue }
            receipts.append(rejection.receipt)
            records.append(
                message.deadLetter(
                    topic: deadLetterTopic, from: place, offset: rejection.receipt.tag, group: group,
                    reason: rejection.reason))
        }
        guard !records.isEmpty else { return }
        let outcomes: [KafkaError?]
        do throws(KafkaError) {
            outcomes = try await deadLetterProducer().send(records)
        } catch {
            giveBackLater(receipts)
            throw error
        }
        var written: [IncomingMessage.Receipt] = []
        var unwritten: [IncomingMessage.Receipt] = []
        for (receipt, outcome) in zip(receipts, outcomes) {
            if outcome == nil { written.append(receipt) } else { unwritten.append(receipt) }
        }
        if unwritten.isEmpty { rejectionRetry.succeeded() } else { giveBackLater(unwritten) }
        try store(written)
        if let failure = outcomes.lazy.compactMap(\.self).first { throw failure }
    }

    private func deadLetterProducer() throws(KafkaError) -> KafkaProducer {
        if let deadLetters { return deadLetters }
        // Nobody would close it.
        guard !isClosing else { throw .closed }
        let producer = try KafkaProducer(
            configuration, messageTimeout: settings.deadLetterTimeout,
            renewal: RetryGate(settings.backoff, firstAtOnce: true, random: random), time: time, logger: logger)
        deadLetters = producer
        return producer
    }

    // MARK: Giving back

    /// Puts back what could not be rejected. Given out again at once it would be rejected again at once, without end.
    private func giveBackLater(_ receipts: [IncomingMessage.Receipt]) {
        let due = time.now() + max(Self.leastDelay, rejectionRetry.failed())
        for receipt in receipts { assignment.giveBack(receipt, notBefore: due) }
        wakeForReturned()
    }

    private static let leastDelay = Duration.milliseconds(100)

    /// Gives out what was returned as soon as it is due.
    private func wakeForReturned() {
        returnTimer?.cancel()
        returnTimer = nil
        guard !isClosing, let due = assignment.nextReturn(after: time.now()) else { return }
        returnTimer = Task { [weak self, time] in
            guard (try? await time.sleep(until: due)) != nil else { return }
            await self?.returnedAreDue()
        }
    }

    private func returnedAreDue() {
        giveOut()
        wakeForReturned()
    }
}
#endif
