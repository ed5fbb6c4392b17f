import AfterCommit
import Testing

@Suite struct SlowStartTests {
    @Test func doublesWithEachSuccess() {
        var start = SlowStart()
        var limits: [Int] = []
        while !start.isOver {
            limits.append(start.limit)
            start.began()
            start.ended(.up)
        }
        #expect(limits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
    }

    @Test func holdsBackWhatIsBeyondItsLimit() {
        var start = SlowStart()
        start.began()
        #expect(!start.hasRoom)
        start.ended(.unknown)
        #expect(start.hasRoom)
        #expect(start.limit == 1)
    }

    @Test func shrinksWithAFailureButNeverBelowOne() {
        var start = SlowStart()
        for _ in 0..<3 { start.ended(.up) }
        start.ended(.failed)
        #expect(start.limit == 4)
        for _ in 0..<5 { start.ended(.failed) }
        #expect(start.limit == 1)
        #expect(start.hasRoom)
    }

    @Test func anEndpointThatClosesItsBreakerStartsSlowly() {
        var state = EndpointState(
            Endpoint("e", breaker: CircuitBreakerConfiguration(consecutiveFailures: 1, openDuration: .seconds(1))),
            now: .zero)
        #expect(state.admit(now: .zero) == .admitted(probe: false))
        state.end(.failed, probe: false, now: .zero)
        #expect(state.admit(now: .seconds(1)) == .admitted(probe: true))
        state.end(.up, probe: true, now: .seconds(1))
        #expect(state.admit(now: .seconds(1)) == .admitted(probe: false))
        #expect(state.admit(now: .seconds(1)) == .refused(.slowStart, until: nil))
        state.end(.up, probe: false, now: .seconds(1))
        #expect(state.admit(now: .seconds(1)) == .admitted(probe: false))
        #expect(state.admit(now: .seconds(1)) == .admitted(probe: false))
        #expect(state.admit(now: .seconds(1)) == .refused(.slowStart, until: nil))
        // A failure opens it again; the next slow start begins anew.
        state.end(.failed, probe: false, now: .seconds(1))
        #expect(state.admit(now: .seconds(1)) == .refused(.breakerOpen, until: .seconds(2)))
    }

    @Test func endsAfterTenSuccesses() {
        var state = EndpointState(
            Endpoint("e", breaker: CircuitBreakerConfiguration(consecutiveFailures: 1, openDuration: .seconds(1))),
            now: .zero)
        state.end(.failed, probe: false, now: .zero)
        _ = state.admit(now: .seconds(1))
        state.end(.up, probe: true, now: .seconds(1))
        for _ in 0..<10 {
            #expect(state.admit(now: .seconds(1)) == .admitted(probe: false))
            state.end(.up, probe: false, now: .seconds(1))
        }
        for _ in 0..<5000 { #expect(state.admit(now: .seconds(1)) == .admitted(probe: false)) }
    }
}
