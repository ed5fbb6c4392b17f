#if Kafka
/// What became of the messages of batches: an outcome for each, however late and in whatever order the reports come.
struct BatchLedger {
    /// Names one message in a report, in the 64 bits of a pointer.
    struct Token: Hashable {
        let batch: UInt32
        let index: UInt32

        init(batch: UInt32, index: Int) {
            self.batch = batch
            self.index = UInt32(truncatingIfNeeded: index)
        }

        init(bits: UInt) {
            batch = UInt32(truncatingIfNeeded: bits >> 32)
            index = UInt32(truncatingIfNeeded: bits)
        }

        /// Never zero: batches are numbered from 1.
        var bits: UInt { UInt(batch) << 32 | UInt(index) }
    }

    /// A batch of which everything is known.
    struct Completion: Equatable {
        let batch: UInt32
        /// `nil` for a message that was delivered.
        let outcomes: [KafkaError?]
    }

    private struct Batch {
        var outcomes: [KafkaError?]
        var isKnown: [Bool]
        var missing: Int

        /// - Returns: how many are missing now; `nil` for an outcome that was known.
        mutating func settle(_ index: Int, _ outcome: KafkaError?) -> Int? {
            guard index < isKnown.count, !isKnown[index] else { return nil }
            isKnown[index] = true
            if let outcome { outcomes[index] = outcome }
            missing -= 1
            return missing
        }
    }

    private var batches: [UInt32: Batch] = [:]
    private var lastNumber: UInt32 = 0
    /// How many messages have no outcome yet.
    private(set) var missing = 0

    var isEmpty: Bool { batches.isEmpty }

    /// - Parameter count: 1 or more.
    mutating func open(count: Int) -> UInt32 {
        repeat {
            lastNumber = lastNumber == .max ? 1 : lastNumber + 1
        } while batches[lastNumber] != nil
        batches[lastNumber] = Batch(
            outcomes: Array(repeating: nil, count: count), isKnown: Array(repeating: false, count: count),
            missing: count)
        missing += count
        return lastNumber
    }

    /// Notes one outcome. What is known already, or belongs to a batch that is gone, is left out.
    mutating func settle(_ token: Token, _ outcome: KafkaError?) -> Completion? {
        // One look-up for each report.
        guard let left = batches[token.batch]?.settle(Int(token.index), outcome) else { return nil }
        missing -= 1
        guard left == 0, let batch = batches.removeValue(forKey: token.batch) else { return nil }
        return Completion(batch: token.batch, outcomes: batch.outcomes)
    }

    /// Ends a batch; what is not known has failed with `error`.
    mutating func end(_ number: UInt32, _ error: KafkaError) -> Completion? {
        guard var batch = batches.removeValue(forKey: number) else { return nil }
        missing -= batch.missing
        for index in batch.outcomes.indices where !batch.isKnown[index] { batch.outcomes[index] = error }
        return Completion(batch: number, outcomes: batch.outcomes)
    }

    /// Ends all batches.
    mutating func endAll(_ error: KafkaError) -> [Completion] {
        batches.keys.sorted().compactMap { end($0, error) }
    }
}
#endif
