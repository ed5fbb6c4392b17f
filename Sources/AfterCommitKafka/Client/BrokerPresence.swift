#if Kafka
/// Whether brokers answer, as far as is known: while they do not, one batch after another is tried, and the others fail at
/// once instead of waiting in memory.
///
/// The client tells once that it lost its last broker, and never that one is back: it only connects again when there is something
/// to send. So a loss with nothing under way is only suspected to last until a message has failed for want of an answer.
struct BrokerPresence {
    private(set) var absence: KafkaError?
    private var suspected: KafkaError?

    /// The client lost its last broker.
    /// - Parameter pending: how many messages have no outcome yet.
    mutating func allBrokersDown(_ error: KafkaError, pending: Int) {
        if pending > 0 { absence = error } else { suspected = error }
    }

    /// A message's time was over before a broker answered.
    mutating func timedOut() {
        if let suspected { absence = suspected }
    }

    /// A broker answered, be it with an error.
    mutating func answered() {
        (absence, suspected) = (nil, nil)
    }

    /// Whether it is known, or suspected, that none answers.
    var isDoubtful: Bool { absence != nil || suspected != nil }

    /// Why a batch may not be tried now; `nil` where it may.
    /// - Parameter pending: how many messages have no outcome yet.
    func refusal(pending: Int) -> KafkaError? {
        pending > 0 ? absence : nil
    }
}
#endif
