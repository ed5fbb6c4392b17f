extension LaneQueue {
    /// A lane's right to report: one that was replaced has lost it.
    package struct LaneID: Sendable, Hashable {
        let index: Int
        let generation: Int
    }

    /// What a lane is to run: one delivery, or a batch.
    package struct Attempt: Sendable {
        package let delivery: ClaimedDelivery
        /// The batch's other deliveries.
        package let others: [ClaimedDelivery]
        package let started: Duration

        package var deliveries: [ClaimedDelivery] { [delivery] + others }
    }

    /// How an attempt ended, for each of its deliveries.
    package enum Ending: Sendable {
        /// All of them alike.
        case all(AttemptResult)
        /// Each for itself, in order.
        case each([AttemptResult])

        subscript(index: Int) -> AttemptResult {
            switch self {
            case .all(let result): result
            case .each(let results): results[index]
            }
        }

        /// What the endpoint learns: it is up where it took one of them.
        package var endpointReport: EndpointState.Report {
            switch self {
            case .all(let result): return result.endpointReport
            case .each(let results):
                let reports = results.map(\.endpointReport)
                if reports.contains(.up) { return .up }
                return reports.contains(.failed) ? .failed : .unknown
            }
        }
    }

    /// An attempt under way.
    struct Running {
        let delivery: ClaimedDelivery
        var others: [ClaimedDelivery] = []
        let started: Duration
        let isProbe: Bool

        var attempt: Attempt { Attempt(delivery: delivery, others: others, started: started) }
    }

    /// What the worker takes at each turn.
    package struct Harvest: Sendable {
        /// Succeeded, without an ordering key: nothing but their sequence is needed.
        package var delivered: [UInt64] = []
        package var ended: [EndedAttempt] = []
        package var breakerChanges: [EndpointGate.Change] = []
        /// Lanes whose attempts outlived their deadline.
        package var replaced: [LaneID] = []
        /// Lanes whose attempts were called off.
        package var cancelledLanes: [LaneID] = []
        package var startedAttempts = 0
        package var refusedResults = 0
        /// Attempts that were given up and still run.
        package var abandoned = 0

        var endedCount: Int { delivered.count + ended.count }
    }

    /// How the queue stands.
    package struct Standing: Sendable {
        /// Not begun.
        package var ready = 0
        /// Deliveries under way.
        package var running = 0
        /// Attempts that have ended and were not harvested.
        package var unharvested = 0
        package var gate: (reason: ParkReason, until: Duration?)?
        /// Until when a batch waits for company.
        package var companyUntil: Duration?
        /// When the first running attempt outlives its timeout.
        package var nextDeadline: Duration?

        package init() {}
    }
}
