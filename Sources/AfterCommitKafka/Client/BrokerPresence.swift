#if Kafka
/// Whether brokers answer, as far as is known: while they do not, one batch after another is tried, and the others fail at
/// once instead of waiting in memory.
struct BrokerPresence {
    private(set) var absence: KafkaError?

    /// The client lost its last broker.
    mutating func allBrokersDown(_ error: KafkaError) {
        absence = error
    }

    /// A broker answered, be it with an error.
    mutating func answered() {
        absence = nil
    }

    /// Why a batch may not be tried now; `nil` where it may.
    /// - Parameter pending: how many messages have no outcome yet.
    func refusal(pending: Int) -> KafkaError? {
        pending > 0 ? absence : nil
    }
}
#endif
