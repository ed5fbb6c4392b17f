import AfterCommit
import Testing

@Suite struct LaneShareTests {
    private func share(after duration: Duration) -> LaneShare {
        var share = LaneShare()
        share.ended(after: duration)
        return share
    }

    @Test func unknownAndSlowHandlersGetOneEach() {
        for share in [LaneShare(), share(after: .microseconds(50)), share(after: .seconds(3))] {
            #expect(share.count(ready: 1000) == 1)
            #expect(share.count(ready: 0) == 0)
        }
    }

    @Test func fastOnesGetHalfUpToABound() {
        let share = share(after: .microseconds(49))
        #expect([0, 1, 2, 3, 20, 64, 1000].map { share.count(ready: $0) } == [0, 1, 1, 2, 10, 32, 32])
    }

    @Test func oneSlowAttemptEndsIt() {
        var share = share(after: .zero)
        share.ended(after: .milliseconds(1))
        #expect(share.count(ready: 1000) == 1)
    }

    @Test func slowOnesWakeALaneForEachFastOnesOneInAll() {
        #expect(share(after: .seconds(1)).wakes(unbegun: 5, idle: 8, woken: 0) == 5)
        #expect(share(after: .seconds(1)).wakes(unbegun: 5, idle: 3, woken: 0) == 3)
        #expect(share(after: .seconds(1)).wakes(unbegun: 5, idle: 8, woken: 4) == 1)
        #expect(share(after: .zero).wakes(unbegun: 5, idle: 8, woken: 0) == 1)
        #expect(share(after: .zero).wakes(unbegun: 5, idle: 8, woken: 1) == 0)
        #expect(share(after: .zero).wakes(unbegun: 0, idle: 8, woken: 0) == 0)
    }
}
