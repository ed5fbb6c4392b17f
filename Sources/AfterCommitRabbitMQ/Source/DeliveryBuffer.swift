#if RabbitMQ
import AfterCommit

/// Messages in the order of their coming, until somebody takes them.
struct DeliveryBuffer {
    private var messages: [IncomingMessage] = []
    private var head = 0

    var isEmpty: Bool { head == messages.count }

    mutating func append(_ message: IncomingMessage) {
        messages.append(message)
    }

    /// Offers the first ones; they stay where they are not taken.
    mutating func take(upTo limit: Int, _ offer: ([IncomingMessage]) -> Bool) {
        let end = min(messages.count, head + limit)
        guard offer(Array(messages[head..<end])) else { return }
        head = end
        // Moving what is left is worth it only now and then.
        if head == messages.count || head > messages.count / 2 {
            messages.removeFirst(head)
            head = 0
        }
    }
}
#endif
