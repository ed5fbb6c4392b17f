#if RabbitMQ
extension RabbitMQTopology {
    /// What is asked of the broker, one after another.
    enum Step: Hashable {
        case exchange(Exchange, passive: Bool)
        case queue(String, arguments: [Entry], passive: Bool)
        case binding(queue: String, Binding)
    }

    /// An argument in the order in which it is sent.
    struct Entry: Hashable {
        let name: String
        let value: Queue.Argument
    }

    /// Exchanges before the queues that name them, queues before their bindings.
    var steps: [Step] {
        switch action {
        case .nothing: return []
        case .check:
            return exchanges.map { .exchange($0, passive: true) }
                + queues.map { .queue($0.name, arguments: [], passive: true) }
        case .declare:
            var steps = exchanges.map { Step.exchange($0, passive: false) }
            for queue in queues {
                guard let letters = queue.deadLetters else { continue }
                steps.append(.exchange(.fanout(letters.exchange), passive: false))
                guard let name = letters.queue else { continue }
                steps.append(.queue(name, arguments: Queue(name, kind: queue.kind).entries, passive: false))
                steps.append(.binding(queue: name, Binding(letters.exchange)))
            }
            steps += queues.map { .queue($0.name, arguments: $0.entries, passive: false) }
            for queue in queues { steps += queue.bindings.map { .binding(queue: queue.name, $0) } }
            return steps
        }
    }

    func validate() throws(RabbitMQError) {
        for name in exchanges.map(\.name) + queues.map(\.name) where name.isEmpty || name.utf8.count > 255 {
            throw RabbitMQError(
                .invalidConfiguration, "the topology has a name of \(name.utf8.count) bytes; it must be 1 to 255")
        }
    }
}

extension RabbitMQTopology.Queue {
    var entries: [RabbitMQTopology.Entry] {
        var all = arguments
        // A classic queue is what the broker makes without an argument, and what older clients have declared.
        if kind == .quorum { all["x-queue-type"] = .text(kind.rawValue) }
        if let deadLetters {
            all["x-dead-letter-exchange"] = .text(deadLetters.exchange)
            if kind == .quorum { Self.keepDeadLetters(&all) }
        }
        return all.sorted { $0.key < $1.key }.map { RabbitMQTopology.Entry(name: $0.key, value: $0.value) }
    }

    /// Without this the broker forgets a rejected message before another queue has confirmed it. It works for a queue alone
    /// that drops nothing when it is full.
    private static func keepDeadLetters(_ arguments: inout [String: Argument]) {
        let overflow = arguments["x-overflow", default: .text("reject-publish")]
        guard overflow == .text("reject-publish") else { return }
        let strategy = arguments["x-dead-letter-strategy", default: .text("at-least-once")]
        guard strategy == .text("at-least-once") else { return }
        arguments["x-overflow"] = overflow
        arguments["x-dead-letter-strategy"] = strategy
    }
}
#endif
