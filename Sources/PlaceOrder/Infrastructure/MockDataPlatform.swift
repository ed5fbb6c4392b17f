#if Example
import AfterCommit
import Foundation

/// The data platform as a stand-in: it takes each event once, however often it is sent, and misbehaves on demand.
actor MockDataPlatform {
    /// What it has taken since it started.
    struct Stats: Codable, Sendable, Equatable {
        /// Events taken, repeated ones included.
        var received = 0
        /// Orders it knows.
        var distinctOrders = 0
        /// Events that came again under a key it had taken.
        var duplicates = 0
    }

    /// How it answers an event.
    enum Answer: Sendable, Equatable {
        case taken
        case problem(status: Int, retryAfter: Int? = nil, detail: String)
    }

    private(set) var knobs: PlatformKnobs
    private(set) var stats = Stats()
    private var payloads: [String: Data] = [:]
    private var orders: [String: String] = [:]
    private var random: Xoshiro256
    private let stopwatch: Stopwatch
    private let ledger: AppendOnlyFile?

    /// - Parameters:
    ///   - knobs: how it misbehaves at first.
    ///   - ledger: gets a line `event-id order-id` for each event taken, before the answer goes out.
    ///   - stopwatch: measures latency and outages, from its own start.
    ///   - random: decides on errors.
    init(
        knobs: PlatformKnobs = PlatformKnobs(), ledger: AppendOnlyFile? = nil, stopwatch: Stopwatch = Stopwatch(),
        random: Xoshiro256 = .seededFromSystem()
    ) {
        self.knobs = knobs
        self.ledger = ledger
        self.stopwatch = stopwatch
        self.random = random
    }

    func set(_ knobs: PlatformKnobs) {
        self.knobs = knobs
    }

    /// The orders it knows and the event each came with.
    func knownOrders() -> [String: String] { orders }

    /// Takes an event, or not.
    func receive(event: String, order: String, key: String, payload: Data) async throws -> Answer {
        try await stopwatch.sleep(for: knobs.latency)
        if let problem = misbehaviour() { return problem }
        if let known = payloads[key] {
            guard known == payload else {
                return .problem(status: 422, detail: "the idempotency key was used for another payload")
            }
            stats.duplicates += 1
        } else {
            payloads[key] = payload
        }
        orders[order] = event
        stats.received += 1
        stats.distinctOrders = orders.count
        try ledger?.append("\(event) \(order)")
        return .taken
    }

    private func misbehaviour() -> Answer? {
        let isOut = knobs.outage?.contains(stopwatch.elapsed) ?? false
        if knobs.status == .down || isOut {
            return .problem(status: 503, retryAfter: knobs.retryAfter, detail: "the data platform is down")
        }
        if knobs.tooManyRequests {
            return .problem(status: 429, retryAfter: knobs.retryAfter ?? 1, detail: "too many requests")
        }
        if knobs.errorRate > 0, Double.random(in: 0..<1, using: &random) < knobs.errorRate {
            return .problem(status: 500, detail: "the data platform stumbled")
        }
        return nil
    }
}
#endif
