#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Testing

@Suite("The ledger of acknowledgements")
struct AckLedgerTests {
    private func ledger(_ tags: ClosedRange<UInt64>) -> AckLedger {
        var ledger = AckLedger()
        for tag in tags { ledger.delivered(tag: tag) }
        return ledger
    }

    private func accepted(_ tags: UInt64...) -> [(tag: UInt64, outcome: MessageSettlement.Outcome)] {
        tags.map { ($0, .accepted) }
    }

    @Test("all that is open becomes one multiple, in whatever order it is told")
    func contiguous() {
        var ledger = ledger(1...5)
        #expect(ledger.settle(accepted(3, 1, 2, 5, 4)) == [.accept(tag: 5, multiple: true)])
        #expect(ledger.count == 0)
    }

    @Test("behind one that is open each is told alone")
    func gap() {
        var ledger = ledger(1...5)
        #expect(
            ledger.settle(accepted(1, 2, 4, 5)) == [
                .accept(tag: 2, multiple: true), .accept(tag: 4, multiple: false), .accept(tag: 5, multiple: false),
            ])
        #expect(ledger.settle(accepted(3)) == [.accept(tag: 3, multiple: false)])
        #expect(ledger.count == 0)
    }

    @Test("once the gap is closed the next ones are told together")
    func gapClosed() {
        var ledger = ledger(1...6)
        _ = ledger.settle(accepted(2, 4))
        #expect(ledger.settle(accepted(1, 3, 5, 6)) == [.accept(tag: 6, multiple: true)])
    }

    @Test("runs of each outcome")
    func outcomes() {
        var ledger = ledger(1...7)
        let commands = ledger.settle([
            (1, .accepted), (2, .accepted), (3, .rejected(reason: "a")), (4, .rejected(reason: "b")), (5, .returned),
            (6, .accepted), (7, .returned),
        ])
        #expect(
            commands == [
                .accept(tag: 2, multiple: true), .refuse(tag: 4, multiple: true, requeue: false),
                .refuse(tag: 5, multiple: false, requeue: true), .accept(tag: 6, multiple: false),
                .refuse(tag: 7, multiple: false, requeue: true),
            ])
    }

    @Test("what is not open is left out, since the broker would close the channel for it")
    func unknown() {
        var ledger = ledger(1...2)
        #expect(ledger.settle(accepted(0, 1, 1, 3, .max)) == [.accept(tag: 1, multiple: false)])
        #expect(ledger.settle(accepted(1)) == [])
        #expect(AckLedger().count == 0)
        var empty = AckLedger()
        #expect(empty.settle(accepted(1)) == [])
    }

    @Test("the commands tell exactly what was settled, over many messages")
    func random() {
        var random = SystemRandomNumberGenerator()
        var ledger = AckLedger()
        /// As the broker keeps it.
        var open: Set<UInt64> = []
        var last: UInt64 = 0
        for _ in 0..<3_000 {
            while open.count < 100 {
                last += 1
                ledger.delivered(tag: last)
                open.insert(last)
            }
            let chosen = open.filter { _ in Bool.random(using: &random) }
            let oldest = chosen.isEmpty ? open.min().map { [$0] } ?? [] : Array(chosen)
            var expected = open
            expected.subtract(oldest)
            for command in ledger.settle(oldest.shuffled().map { ($0, .accepted) }) {
                guard case .accept(let tag, let multiple) = command else { continue }
                #expect(open.contains(tag))
                open = multiple ? open.filter { $0 > tag } : open.subtracting([tag])
            }
            #expect(open == expected)
            #expect(ledger.count == open.count)
        }
    }
}
#endif
