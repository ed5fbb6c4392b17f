/// All that an endpoint decides: may an attempt start now, and what does its end mean. A pure value.
package struct EndpointState: Sendable {
    package enum Admission: Sendable, Equatable {
        case admitted(probe: Bool)
        /// Not before `until`, or not before another attempt has ended where `nil`.
        case refused(ParkReason, until: Duration?)
    }

    /// How an attempt ended, as its endpoint sees it.
    package enum Report: Sendable, Equatable {
        /// The endpoint answered, be it with a refusal of this one event.
        case up
        case failed
        /// Nothing was learnt: the attempt was called off.
        case unknown
    }

    private var breaker: CircuitBreaker?
    private var bucket: TokenBucket?
    private let maxConcurrent: Int?
    private var running = 0
    private var slowStart: SlowStart?

    package init(_ endpoint: Endpoint, now: Duration) {
        breaker = endpoint.breaker.map(CircuitBreaker.init)
        bucket = endpoint.rateLimit.map { TokenBucket($0, now: now) }
        maxConcurrent = endpoint.maxConcurrent
    }

    package var breakerState: BreakerState { breaker?.state ?? .closed }
    package var breakerOpenedCount: Int { breaker?.openedCount ?? 0 }

    /// Whether all may start and a success changes nothing.
    package var isUntroubled: Bool {
        maxConcurrent == nil && bucket == nil && slowStart == nil && breaker?.isUntroubled ?? true
    }

    /// Whether an attempt's end may let others in that were refused before.
    package var holdsOthers: Bool { maxConcurrent != nil || slowStart != nil }

    package mutating func admit(now: Duration) -> Admission {
        // The breaker comes last: its probe must not be given to one that another gate then refuses.
        if let maxConcurrent, running >= maxConcurrent {
            return .refused(.bulkheadFull, until: nil)
        }
        if let slowStart, !slowStart.hasRoom { return .refused(.slowStart, until: nil) }
        if let next = bucket?.availability(now: now) {
            return .refused(.rateLimited, until: next)
        }
        var probe = false
        switch breaker?.admit(now: now) {
        case .refused(let until): return .refused(.breakerOpen, until: until)
        case .probe: probe = true
        case .admitted, nil: break
        }
        bucket?.take()
        if maxConcurrent != nil { running += 1 }
        slowStart?.began()
        return .admitted(probe: probe)
    }

    package mutating func end(_ report: Report, probe: Bool, now: Duration) {
        if maxConcurrent != nil { running -= 1 }
        slowStart?.ended(report)
        if slowStart?.isOver == true { slowStart = nil }
        let before = breakerState
        defer {
            if before != breakerState { slowStart = breakerState == .closed ? SlowStart() : nil }
        }
        switch report {
        case .up: breaker?.record(failed: false, probe: probe, now: now)
        case .failed: breaker?.record(failed: true, probe: probe, now: now)
        case .unknown: if probe { breaker?.abandonProbe() }
        }
    }
}
