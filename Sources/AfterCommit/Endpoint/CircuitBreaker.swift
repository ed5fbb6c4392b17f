/// The circuit breaker's decisions, without clock or lock (Nygard, "Release It!"; states as in the usual diagram).
///
/// Closed, it counts the last calls; when too many failed it opens; after a while one call at a time probes the endpoint:
/// a success closes it, a failure opens it again.
package struct CircuitBreaker: Sendable {
    private enum Phase: Sendable {
        case closed
        case open(until: Duration)
        case halfOpen(probing: Bool)
    }

    package enum Admission: Sendable, Equatable {
        case admitted
        /// Admitted to find out whether the endpoint is up; its failure costs no attempt.
        case probe
        /// Not before `until`, or not before a probe has ended where `nil`.
        case refused(until: Duration?)
    }

    private let configuration: CircuitBreakerConfiguration
    private var phase = Phase.closed
    private var outcomes: [Bool] = []
    private var nextOutcome = 0
    private var failures = 0
    private var consecutiveFailures = 0
    package private(set) var openedCount = 0

    package init(_ configuration: CircuitBreakerConfiguration) {
        self.configuration = configuration
    }

    package var state: BreakerState {
        switch phase {
        case .closed: .closed
        case .open: .open
        case .halfOpen: .halfOpen
        }
    }

    /// Whether one success more would change nothing: it is closed, and its window is full of successes.
    package var isUntroubled: Bool {
        if case .closed = phase { failures == 0 && outcomes.count == configuration.window } else { false }
    }

    package mutating func admit(now: Duration) -> Admission {
        switch phase {
        case .closed:
            return .admitted
        case .open(let until):
            guard now >= until else { return .refused(until: until) }
            phase = .halfOpen(probing: true)
            return .probe
        case .halfOpen(let probing):
            guard !probing else { return .refused(until: nil) }
            phase = .halfOpen(probing: true)
            return .probe
        }
    }

    /// Records how a call ended. Calls that began before the breaker opened change nothing any more.
    package mutating func record(failed: Bool, probe: Bool, now: Duration) {
        switch phase {
        case .closed:
            count(failed: failed)
            let rate = Double(failures) / Double(max(1, outcomes.count))
            if consecutiveFailures >= configuration.consecutiveFailures
                || (outcomes.count >= configuration.minimumCalls && rate >= configuration.failureRate)
            {
                open(now: now)
            }
        case .halfOpen where probe:
            if failed {
                open(now: now)
            } else {
                phase = .closed
                forget()
            }
        case .open, .halfOpen:
            break
        }
    }

    /// A probe that ended without an answer, as at a shutdown: another may take its place.
    package mutating func abandonProbe() {
        if case .halfOpen = phase { phase = .halfOpen(probing: false) }
    }

    private mutating func open(now: Duration) {
        phase = .open(until: now + configuration.openDuration)
        openedCount += 1
        forget()
    }

    private mutating func forget() {
        outcomes.removeAll(keepingCapacity: true)
        nextOutcome = 0
        failures = 0
        consecutiveFailures = 0
    }

    private mutating func count(failed: Bool) {
        if outcomes.count < configuration.window {
            outcomes.append(failed)
        } else {
            if outcomes[nextOutcome] { failures -= 1 }
            outcomes[nextOutcome] = failed
            nextOutcome = (nextOutcome + 1) % configuration.window
        }
        if failed { failures += 1 }
        consecutiveFailures = failed ? consecutiveFailures + 1 : 0
    }
}
