#if RabbitMQ
/// What is to be written, in order: batches, and how far the first one is.
struct WriteQueue {
    /// A message of a batch.
    struct Place {
        let batch: PublishBatch
        let position: Int
    }

    private var batches: [PublishBatch] = []
    private var position = 0

    var isEmpty: Bool { batches.isEmpty }

    mutating func append(_ new: [PublishBatch]) {
        // Those whose callers have left would wait for a broker that reads nothing.
        if let first = batches.first { batches = [first] + batches.dropFirst().filter { !$0.isDone } }
        batches += new.filter { $0.count > 0 }
    }

    /// The next message that somebody waits for.
    mutating func next() -> (place: Place, message: OutgoingMessage)? {
        while let batch = batches.first {
            if position < batch.count, let message = batch.message(position) {
                let place = Place(batch: batch, position: position)
                position += 1
                if position == batch.count { dropFirst() }
                return (place, message)
            }
            dropFirst()
        }
        return nil
    }

    /// - Returns: all that was not begun.
    mutating func removeAll() -> [Place] {
        var places: [Place] = []
        while let batch = batches.first {
            places += (position..<batch.count).map { Place(batch: batch, position: $0) }
            dropFirst()
        }
        return places
    }

    private mutating func dropFirst() {
        batches.removeFirst()
        position = 0
    }
}
#endif
