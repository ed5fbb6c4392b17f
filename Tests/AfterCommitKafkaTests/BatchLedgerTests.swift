#if Kafka
import AfterCommit
@testable import AfterCommitKafka
import CRDKafka
import Testing

@Suite
struct BatchLedgerTests {
    private let error = KafkaError(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)

    @Test("A batch is complete with its last report, whatever the order is")
    func reports() {
        var ledger = BatchLedger()
        let first = ledger.open(count: 2)
        let second = ledger.open(count: 1)
        #expect(ledger.missing == 3)
        #expect(ledger.settle(.init(batch: first, index: 1), error) == nil)
        #expect(ledger.settle(.init(batch: second, index: 0), nil)?.batch == second)
        // Told twice, it counts once.
        #expect(ledger.settle(.init(batch: first, index: 1), nil) == nil)
        #expect(ledger.settle(.init(batch: first, index: 0), nil)?.outcomes == [nil, error])
        #expect(ledger.isEmpty)
        #expect(ledger.missing == 0)
    }

    @Test("Reports that come after a batch's end are left out")
    func late() {
        var ledger = BatchLedger()
        let batch = ledger.open(count: 3)
        #expect(ledger.settle(.init(batch: batch, index: 2), nil) == nil)
        #expect(ledger.end(batch, error)?.outcomes == [error, error, nil])
        #expect(ledger.settle(.init(batch: batch, index: 0), nil) == nil)
        #expect(ledger.end(batch, error) == nil)
        #expect(ledger.missing == 0)
    }

    @Test("Tokens survive the way through a pointer, and none is null")
    func tokens() {
        for token in [BatchLedger.Token(batch: 1, index: 0), .init(batch: .max, index: 70_000)] {
            #expect(BatchLedger.Token(bits: token.bits) == token)
            #expect(token.bits != 0)
        }
    }

    @Test("What waits goes in order, and leaves with its batch")
    func line() {
        func records(_ count: Int) -> [KafkaRecord] {
            (0..<count).map { KafkaRecord(topic: "t", value: .text("\($0)")) }
        }
        var line = SendLine()
        line.append(1, records(2))
        line.append(2, records(1))
        line.append(3, records(1))
        #expect(line.next?.index == 0)
        line.advance()
        line.remove(2)
        #expect(line.next?.batch == 1)
        #expect(line.next?.record.value == .text("1"))
        line.advance()
        #expect(line.removeAll() == [3])
        #expect(line.isEmpty)
    }
}
#endif
