import DequeModule

/// Messages that are handled at once, those of one key one after another. Pure.
///
/// A broker whose patience ends, or whose connection breaks, gives a message out again while it is handled here. It joins the one
/// that is under way: each has its attempts once.
struct KeyedLanes: Sendable {
    struct Job: Sendable {
        let receipt: IncomingMessage.Receipt
        let envelope: Envelope
        let redeliveries: Int

        func isSame(as other: Job) -> Bool {
            guard envelope.id == other.envelope.id, envelope.type == other.envelope.type else { return false }
            // Messages have bytes.
            guard case .bytes(let bytes) = envelope.payload, case .bytes(let others) = other.envelope.payload else {
                return false
            }
            return bytes == others
        }
    }

    enum Admission {
        /// It begins now.
        case begins
        /// It waits behind another of its key.
        case waits
        /// It is settled with the one that it is once more.
        case joins
    }

    private struct Unsettled: Sendable {
        let job: Job
        var receipts: [IncomingMessage.Receipt]
    }

    /// What waits behind the one under way, by key.
    private var waiting: [String: Deque<Job>] = [:]
    /// What is under way or waits.
    private var unsettled: [EventID: Unsettled] = [:]
    /// How many are under way.
    private(set) var running = 0

    mutating func admit(_ job: Job) -> Admission {
        if let first = unsettled[job.envelope.id] {
            if first.job.isSame(as: job) {
                unsettled[job.envelope.id]?.receipts.append(job.receipt)
                return .joins
            }
        } else {
            unsettled[job.envelope.id] = Unsettled(job: job, receipts: [job.receipt])
        }
        if let key = job.envelope.orderingKey {
            guard waiting[key] == nil else {
                waiting[key]?.append(job)
                return .waits
            }
            waiting[key] = []
        }
        running += 1
        return .begins
    }

    /// The receipts that are settled with it. Nothing joins it any more.
    mutating func settle(_ job: Job) -> [IncomingMessage.Receipt] {
        guard let entry = unsettled[job.envelope.id], entry.job.receipt == job.receipt else { return [job.receipt] }
        unsettled[job.envelope.id] = nil
        return entry.receipts
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
