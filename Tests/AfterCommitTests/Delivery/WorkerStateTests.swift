import AfterCommit
import Foundation
import Testing

@Suite struct WorkerStateTests {
    private let date = Date(timeIntervalSince1970: 1_800_000_000)
    private let empty = LaneQueue.Standing()

    private func state(maxInFlight: Int = 100, maxBlocked: Int = 10) -> WorkerState {
        WorkerState(maxInFlight: maxInFlight, maxBlocked: maxBlocked)
    }

    private func delivery(_ sequence: UInt64) -> ClaimedDelivery {
        ClaimedDelivery(
            sequence: sequence,
            envelope: Envelope(
                id: EventIDGenerator().next(), type: "t", source: "/", time: date, payload: .bytes(Data())))
    }

    private func limit(_ state: WorkerState, _ queue: LaneQueue.Standing, blocked: Int = 0, after: TimeInterval = 0)
        -> Int?
    {
        state.claimLimit(now: .zero, date: date + after, queue: queue, blocked: blocked)
    }

    @Test func claimsUpToItsBoundAndAgainAfterSettling() {
        var state = state()
        #expect(limit(state, empty) == 100)
        state.claimed(ClaimedBatch(deliveries: (0..<100).map(delivery), hasMore: true))
        #expect(limit(state, empty) == nil)
        state.settled(30, retrying: nil)
        #expect(limit(state, empty) == 30)
        state.released(70)
        #expect(state.inFlight == 0)
        state.claimed(ClaimedBatch())
        #expect(limit(state, empty) == nil)
        state.storageChanged()
        #expect(limit(state, empty) == 100)
    }

    @Test func aClosedGateStopsTheCursor() {
        var parked = empty
        parked.gate = (.breakerOpen, .seconds(5))
        let state = state()
        #expect(limit(state, parked) == nil)
        #expect(state.wakeUp(now: .zero, date: date, queue: parked) == .seconds(5))
        #expect(state.isIdle(now: .zero, date: date, queue: parked, unsettled: 0, blocked: 0))
    }

    @Test func enoughReadyOnesAreEnough() {
        var full = empty
        full.ready = 25
        #expect(limit(state(), full) == nil)
        full.ready = 24
        #expect(limit(state(), full) == 100)
    }

    @Test func tooManyBlockedStopNewOnesButNotDueOnes() {
        var state = state()
        state.claimed(ClaimedBatch(nextDue: date + 10, hasMore: true))
        #expect(limit(state, empty, blocked: 9) == 100)
        #expect(limit(state, empty, blocked: 10) == nil)
        #expect(limit(state, empty, blocked: 10, after: 10) == 100)
        #expect(!state.includesNew(blocked: 10))
    }

    @Test func sleepsUntilTheNextDueDateAtMostAMinute() {
        var state = state()
        state.claimed(ClaimedBatch(nextDue: date + 10))
        #expect(state.wakeUp(now: .seconds(1), date: date, queue: empty) == .seconds(11))
        state.claimed(ClaimedBatch(nextDue: date + 86_400))
        #expect(state.wakeUp(now: .seconds(1), date: date, queue: empty) == .seconds(61))
        state.settled(0, retrying: date + 2)
        #expect(state.wakeUp(now: .zero, date: date, queue: empty) == .seconds(2))
        #expect(!state.isDrained(now: .zero, date: date, queue: empty, unsettled: 0, blocked: 0))
        state.claimed(ClaimedBatch())
        #expect(state.wakeUp(now: .zero, date: date, queue: empty) == nil)
        #expect(state.isDrained(now: .zero, date: date, queue: empty, unsettled: 0, blocked: 0))
    }

    @Test func waitsLongerAfterEachFailure() {
        var state = state()
        state.claimed(ClaimedBatch(deliveries: [delivery(1)]))
        var pauses: [Duration] = []
        for _ in 0..<8 {
            state.settleFailed(now: .zero)
            #expect(!state.maySettle(now: .zero))
            let wakeUp = state.wakeUp(now: .zero, date: date, queue: empty) ?? .zero
            #expect(state.maySettle(now: wakeUp))
            pauses.append(wakeUp)
        }
        #expect(pauses == [100, 200, 400, 800, 1600, 3200, 5000, 5000].map { .milliseconds($0) })
        #expect(!state.isDrained(now: .zero, date: date, queue: empty, unsettled: 1, blocked: 0))
        state.settled(1, retrying: nil)
        #expect(state.maySettle(now: .zero))
        state.claimFailed(now: .zero)
        state.storageChanged()
        #expect(limit(state, empty) == nil)
        #expect(state.claimLimit(now: .milliseconds(100), date: date, queue: empty, blocked: 0) == 100)
    }

    @Test func isNotIdleWhileOutcomesAreUntaken() {
        var state = state()
        state.claimed(ClaimedBatch())
        var queue = empty
        queue.unharvested = 1
        #expect(!state.isIdle(now: .zero, date: date, queue: queue, unsettled: 0, blocked: 0))
        queue.unharvested = 0
        queue.running = 1
        #expect(!state.isIdle(now: .zero, date: date, queue: queue, unsettled: 0, blocked: 0))
        #expect(!state.isIdle(now: .zero, date: date, queue: empty, unsettled: 1, blocked: 0))
        #expect(state.isIdle(now: .zero, date: date, queue: empty, unsettled: 0, blocked: 0))
    }
}
