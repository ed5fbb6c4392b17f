import AfterCommit
import Testing

@Suite struct CircuitBreakerTests {
    private func breaker() -> CircuitBreaker {
        CircuitBreaker(
            CircuitBreakerConfiguration(failureRate: 0.5, window: 10, minimumCalls: 4, openDuration: .seconds(5)))
    }

    @Test func opensAtTheRateButNotBeforeTheMinimum() {
        var breaker = breaker()
        for _ in 0..<3 { breaker.record(failed: true, probe: false, now: .zero) }
        #expect(breaker.state == .closed)
        breaker.record(failed: false, probe: false, now: .zero)
        #expect(breaker.state == .open)
        #expect(breaker.openedCount == 1)
    }

    @Test func forgetsCallsBeyondItsWindow() {
        var breaker = breaker()
        for _ in 0..<10 { breaker.record(failed: false, probe: false, now: .zero) }
        for _ in 0..<4 { breaker.record(failed: true, probe: false, now: .zero) }
        #expect(breaker.state == .closed)
        for _ in 0..<10 { breaker.record(failed: false, probe: false, now: .zero) }
        for _ in 0..<4 { breaker.record(failed: true, probe: false, now: .zero) }
        #expect(breaker.state == .closed)
        breaker.record(failed: true, probe: false, now: .zero)
        #expect(breaker.state == .open)
    }

    @Test func admitsOneProbeAtATime() {
        var breaker = breaker()
        for _ in 0..<4 { breaker.record(failed: true, probe: false, now: .zero) }
        #expect(breaker.admit(now: .seconds(4)) == .refused(until: .seconds(5)))
        #expect(breaker.admit(now: .seconds(5)) == .probe)
        #expect(breaker.state == .halfOpen)
        #expect(breaker.admit(now: .seconds(5)) == .refused(until: nil))
        breaker.record(failed: true, probe: true, now: .seconds(6))
        #expect(breaker.admit(now: .seconds(6)) == .refused(until: .seconds(11)))
        #expect(breaker.admit(now: .seconds(11)) == .probe)
        breaker.record(failed: false, probe: true, now: .seconds(12))
        #expect(breaker.state == .closed)
        #expect(breaker.admit(now: .seconds(12)) == .admitted)
        #expect(breaker.openedCount == 2)
    }

    @Test func ignoresCallsFromBeforeItOpened() {
        var breaker = breaker()
        for _ in 0..<4 { breaker.record(failed: true, probe: false, now: .zero) }
        breaker.record(failed: false, probe: false, now: .seconds(1))
        #expect(breaker.state == .open)
        #expect(breaker.admit(now: .seconds(5)) == .probe)
        breaker.record(failed: false, probe: false, now: .seconds(5))
        #expect(breaker.state == .halfOpen)
        breaker.abandonProbe()
        #expect(breaker.admit(now: .seconds(5)) == .probe)
    }
}

@Suite struct EndpointStateTests {
    @Test func aProbeIsNotSpentOnAnotherGate() {
        var state = EndpointState(
            Endpoint(
                "e", breaker: CircuitBreakerConfiguration(minimumCalls: 1, openDuration: .seconds(1)),
                maxConcurrent: 1), now: .zero)
        #expect(state.admit(now: .zero) == .admitted(probe: false))
        #expect(state.admit(now: .zero) == .refused(.bulkheadFull, until: nil))
        state.end(.failed, probe: false, now: .zero)
        #expect(state.admit(now: .zero) == .refused(.breakerOpen, until: .seconds(1)))
        #expect(state.admit(now: .seconds(1)) == .admitted(probe: true))
        state.end(.unknown, probe: true, now: .seconds(1))
        #expect(state.admit(now: .seconds(1)) == .admitted(probe: true))
    }

    @Test func refillsTheBucketSteadily() {
        var bucket = TokenBucket(RateLimit(2, per: .seconds(1)), now: .zero)
        for _ in 0..<2 {
            #expect(bucket.availability(now: .zero) == nil)
            bucket.take()
        }
        let next = bucket.availability(now: .zero)
        #expect(next == .milliseconds(500))
        #expect(bucket.availability(now: .milliseconds(500)) == nil)
        bucket.take()
        #expect(bucket.availability(now: .milliseconds(500)) != nil)
        // However long nothing was taken, no more than the count is there at once.
        for _ in 0..<2 {
            #expect(bucket.availability(now: .seconds(3600)) == nil)
            bucket.take()
        }
        #expect(bucket.availability(now: .seconds(3600)) != nil)
    }
}
