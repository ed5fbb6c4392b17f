#if Kafka
import AfterCommit
@testable import AfterCommitKafka
import Foundation
import Testing

@Suite
struct OffsetTrackerTests {
    private func tracker(_ offsets: Int64...) -> OffsetTracker<String> {
        var tracker = OffsetTracker<String>()
        for offset in offsets { tracker.give(offset, "\(offset)") }
        return tracker
    }

    @Test("The offset goes on with the first that is not settled")
    func inOrder() {
        var tracker = tracker(5, 6, 7)
        #expect(tracker.settle(5) == 6)
        #expect(tracker.settle(7) == nil)
        #expect(tracker.outstanding == 1)
        #expect(tracker.settle(6) == 8)
        #expect(tracker.outstanding == 0)
        #expect(tracker.last == 7)
    }

    @Test("Offsets may have gaps")
    func gaps() {
        var tracker = tracker(3, 10, 11, 40)
        #expect(tracker.settle(3) == 10)
        #expect(tracker.settle(10) == 11)
        #expect(tracker.settle(11) == 40)
        #expect(tracker.settle(40) == 41)
    }

    @Test("What is not out, or settled already, changes nothing")
    func unknown() {
        var tracker = tracker(3, 10)
        #expect(tracker.settle(4) == nil)
        #expect(tracker.settle(10) == nil)
        #expect(tracker.settle(10) == nil)
        #expect(tracker[10] == nil)
        #expect(tracker[3] == "3")
        #expect(tracker.outstanding == 1)
        #expect(tracker.settle(3) == 11)
        #expect(tracker.settle(3) == nil)
    }

    @Test(
        "In any order, each offset that is told is lower than all that is not settled, and at the end all is settled",
        arguments: 0..<20 as Range<UInt64>)
    func anyOrder(seed: UInt64) {
        var random = Xoshiro256(seed: seed)
        var tracker = OffsetTracker<Int64>()
        var out: [Int64] = []
        var next: Int64 = 0
        var told: Int64 = 0
        for _ in 0..<20_000 {
            if out.count < 3_000, Bool.random(using: &random) {
                next += Int64.random(in: 1...3, using: &random)
                tracker.give(next, next)
                out.append(next)
            } else if !out.isEmpty {
                let index = Int.random(in: 0..<min(out.count, 40), using: &random)
                let offset = out.remove(at: index)
                if let moved = tracker.settle(offset) {
                    #expect(moved > told)
                    told = moved
                    #expect(moved == out.first ?? next + 1)
                } else {
                    #expect(index > 0)
                }
            }
            #expect(tracker.outstanding == out.count)
        }
    }
}

@Suite
struct AssignmentTests {
    private let place = TopicPartition(topic: "orders", partition: 0)
    private let message = ReceivedMessage(key: .null, headers: [], value: .text("x"))

    @Test("Receipts of a partition that was revoked, or given anew, mean nothing")
    func revoked() throws {
        var assignment = Assignment()
        assignment.assign(place)
        let channel = try #require(assignment.channel(of: place))
        let givenReceipt = assignment.give(message, offset: 7, channel: channel)
        let receipt = try #require(givenReceipt)
        assignment.revoke(place)
        #expect(assignment.outstanding == 0)
        #expect(assignment.settle(receipt) == nil)
        assignment.assign(place)
        #expect(assignment.channel(of: place) != channel)
        #expect(assignment.settle(receipt) == nil)
        #expect(assignment.give(message, offset: 8, channel: channel) == nil)
        assignment.giveBack(receipt)
        #expect(assignment.takeReturned(upTo: 10, now: .zero).isEmpty)
    }

    @Test("Where offsets begin again, what was out before counts on, and what was out from there on means nothing")
    func setBackBehindOne() throws {
        var assignment = Assignment()
        assignment.assign(place)
        let channel = try #require(assignment.channel(of: place))
        func give(_ offset: Int64) throws -> IncomingMessage.Receipt {
            let receipt = assignment.give(message, offset: offset, channel: channel)
            return try #require(receipt)
        }
        let slow = try give(5)
        let before = try (10...12).map { try give($0) }
        #expect(assignment.settle(before[2]) == nil)
        assignment.giveBack(before[1])
        let after = try (10...11).map { try give($0) }
        #expect(assignment.outstanding == 3)
        #expect(assignment.takeReturned(upTo: 10, now: .zero).isEmpty)
        #expect(assignment[before[0]] == nil)
        #expect(assignment.settle(before[0]) == nil)
        #expect(assignment[slow]?.place == place)
        for receipt in after { #expect(assignment.settle(receipt) == nil) }
        // Nothing was stored past it: it comes again after a restart.
        #expect(assignment.settle(slow)?.offset == 12)
        #expect(assignment.outstanding == 0)
        _ = try give(3)
        assignment.revoke(place)
        #expect(assignment.outstanding == 0)
        #expect(assignment[after[0]] == nil)
    }

    @Test("A partition whose offsets begin again is a new one")
    func setBack() throws {
        var assignment = Assignment()
        assignment.assign(place)
        let channel = try #require(assignment.channel(of: place))
        let givenBefore = assignment.give(message, offset: 7, channel: channel)
        let before = try #require(givenBefore)
        let givenAfter = assignment.give(message, offset: 3, channel: channel)
        let after = try #require(givenAfter)
        #expect(after.channel != before.channel)
        #expect(assignment.outstanding == 1)
        #expect(assignment.settle(before) == nil)
        #expect(assignment.settle(after)?.offset == 4)
    }

    @Test("What is returned twice comes once")
    func returned() throws {
        var assignment = Assignment()
        assignment.assign(place)
        let channel = try #require(assignment.channel(of: place))
        let givenReceipt = assignment.give(message, offset: 7, channel: channel)
        let receipt = try #require(givenReceipt)
        assignment.giveBack(receipt)
        assignment.giveBack(receipt)
        #expect(assignment.takeReturned(upTo: 10, now: .zero).map(\.receipt) == [receipt])
        #expect(assignment.takeReturned(upTo: 10, now: .zero).isEmpty)
        #expect(assignment.outstanding == 1)
        #expect(assignment.settle(receipt)?.offset == 8)
    }

    @Test("What is returned for later is given out when it is due, whatever came back in the meantime")
    func returnedForLater() throws {
        var assignment = Assignment()
        assignment.assign(place)
        let channel = try #require(assignment.channel(of: place))
        for offset in 1...3 as ClosedRange<Int64> { _ = assignment.give(message, offset: offset, channel: channel) }
        func receipt(_ offset: UInt64) -> IncomingMessage.Receipt { .init(channel: channel, tag: offset) }
        func taken(at now: Duration) -> [UInt64] {
            assignment.takeReturned(upTo: 10, now: now).map(\.receipt.tag)
        }
        assignment.giveBack(receipt(1), notBefore: .seconds(5))
        assignment.giveBack(receipt(2), notBefore: .seconds(3))
        assignment.giveBack(receipt(3))
        #expect(assignment.nextReturn(after: .zero) == .seconds(3))
        #expect(taken(at: .seconds(1)) == [3])
        #expect(taken(at: .seconds(3)) == [2])
        #expect(assignment.nextReturn(after: .seconds(3)) == .seconds(5))
        #expect(taken(at: .seconds(4.9)) == [])
        #expect(taken(at: .seconds(5)) == [1])
        #expect(assignment.nextReturn(after: .seconds(5)) == nil)
        #expect(assignment.outstanding == 3)
    }

    @Test("A partition of which too much is kept behind a message is paused, and goes on when half of it is gone")
    func paused() throws {
        var assignment = Assignment()
        assignment.assign(place)
        let channel = try #require(assignment.channel(of: place))
        func receipt(_ offset: Int64) -> IncomingMessage.Receipt {
            .init(channel: channel, tag: UInt64(bitPattern: offset))
        }
        for offset in 0..<4 as Range<Int64> {
            _ = assignment.give(message, offset: offset, channel: channel)
            if offset > 0 { _ = assignment.settle(receipt(offset)) }
        }
        #expect(assignment.controlFlow(bound: 4) == ([], []))
        for offset in 4..<8 as Range<Int64> { _ = assignment.give(message, offset: offset, channel: channel) }
        #expect(assignment.controlFlow(bound: 4) == ([place], []))
        #expect(assignment.controlFlow(bound: 4) == ([], []))
        #expect(assignment.paused(of: [place]) == [place])
        // 4 to 7 are out still.
        #expect(assignment.settle(receipt(0))?.offset == 4)
        #expect(assignment.controlFlow(bound: 4) == ([], []))
        #expect(assignment.settle(receipt(4))?.offset == 5)
        #expect(assignment.settle(receipt(5))?.offset == 6)
        #expect(assignment.controlFlow(bound: 4) == ([], [place]))
        #expect(assignment.paused(of: [place]) == [])
    }

    @Test("A partition whose offsets begin again goes on, and is not paused any more; one that is given anew may be")
    func pausedSetBack() throws {
        var assignment = Assignment()
        assignment.assign(place)
        func give(_ offsets: Range<Int64>) throws {
            for offset in offsets {
                let channel = try #require(assignment.channel(of: place))
                _ = assignment.give(message, offset: offset, channel: channel)
            }
        }
        try give(5..<8)
        #expect(assignment.controlFlow(bound: 2) == ([place], []))
        try give(0..<1)
        #expect(assignment.controlFlow(bound: 2) == ([], [place]))
        try give(1..<4)
        #expect(assignment.controlFlow(bound: 2) == ([], []))
        assignment.assign(place)
        try give(0..<4)
        #expect(assignment.controlFlow(bound: 2) == ([place], []))
        #expect(assignment.paused(of: assignment.places) == [place])
    }
}
#endif
