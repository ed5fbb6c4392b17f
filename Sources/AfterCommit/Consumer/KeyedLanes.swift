import DequeModule

/// Messages that are handled at once, those of one key one after another. Pure.
struct KeyedLanes: Sendable {
    struct Job: Sendable {
        let receipt: IncomingMessage.Receipt
        let envelope: Envelope
        let redeliveries: Int
    }

    /// What waits behind the one under way, by key.
    private var waiting: [String: Deque<Job>] = [:]
    /// How many are under way.
    private(set) var running = 0

    /// - Returns: whether it begins now; else it waits behind another of its key.
    mutating func admit(_ job: Job) -> Bool {
        if let key = job.envelope.orderingKey {
            guard waiting[key] == nil else {
                waiting[key]?.append(job)
                return false
            }
            waiting[key] = []
        }
        running += 1
        return true
    }

    /// - Returns: the one that waited behind it and begins now.
    mutating func ended(_ job: Job) -> Job? {
        if let key = job.envelope.orderingKey {
            if let next = waiting[key]?.popFirst() { return next }
            waiting[key] = nil
        }
        running -= 1
        return nil
    }
}
