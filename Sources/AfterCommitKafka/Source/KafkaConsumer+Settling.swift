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
        // There is room again, and what was returned can be given out, whatever comes of the rest.
        defer { giveOut() }
        let stored = Result<Void, KafkaError> { () throws(KafkaError) in try store(accepted) }
        // Whatever came of the others: who is neither settled nor given back never comes again.
        if !rejected.isEmpty { try await reject(rejected) }
        try stored.get()
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

    /// Writes dead letters. What cannot be written is given out again.
    private func reject(_ rejections: [Rejection]) async throws(KafkaError) {
        var records: [KafkaRecord] = []
        var receipts: [IncomingMessage.Receipt] = []
        guard let deadLetterTopic else {
            for rejection in rejections { assignment.giveBack(rejection.receipt) }
            throw KafkaError(
                .deadLetterTopicMissing,
                "a message of \(group) can never be handled; set the source's deadLetterTopic, where such go")
        }
        for rejection in rejections {
            guard let (place, message) = assignment[rejection.receipt] else { continue }
            receipts.append(rejection.receipt)
            records.append(
                message.deadLetter(
                    topic: deadLetterTopic, from: place, offset: rejection.receipt.tag, group: group,
                    reason: rejection.reason))
        }
        // Nobody would end a client that is made now.
        guard !records.isEmpty, !isClosing else { return }
        let producer: KafkaProducer
        do throws(KafkaError) {
            producer = try deadLetterProducer()
        } catch {
            for receipt in receipts { assignment.giveBack(receipt) }
            throw error
        }
        let outcomes = await producer.send(records)
        var written: [IncomingMessage.Receipt] = []
        var failure: KafkaError?
        for (receipt, outcome) in zip(receipts, outcomes) {
            guard let outcome else {
                written.append(receipt)
                continue
            }
            assignment.giveBack(receipt)
            failure = failure ?? outcome
        }
        try store(written)
        if let failure { throw failure }
    }

    private func deadLetterProducer() throws(KafkaError) -> KafkaProducer {
        if let deadLetters { return deadLetters }
        let producer = try KafkaProducer(
            configuration, messageTimeout: options.deadLetterTimeout, renewal: options.renewal, time: time,
            logger: logger)
        deadLetters = producer
        return producer
    }
}
#endif
