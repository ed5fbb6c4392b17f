import AfterCommit
import Testing

@Suite struct RoomWaitTests {
    @Test func nobodyIsChargedWhileNothingFits() {
        var room = RoomWait()
        var waits: [Duration?] = []
        for round in 0..<10 {
            waits.append(room.refused(1, now: .seconds(10 * round)))
            #expect(room.refused(2, now: .seconds(10 * round)) == waits.last, "beside each other they are one")
        }
        #expect(waits.first == .milliseconds(100))
        #expect(waits.last == .seconds(95))
    }

    @Test func oneThatNeverFitsIsChargedOnceOthersDo() {
        var room = RoomWait()
        #expect(room.refused(1, now: .zero) != nil)
        room.stored(2)
        #expect(room.refused(1, now: .seconds(9)) == .milliseconds(9_100), "there was room meanwhile")
        #expect(room.refused(1, now: .seconds(10)) == nil)
        #expect(!room.isWaiting)
    }
}
