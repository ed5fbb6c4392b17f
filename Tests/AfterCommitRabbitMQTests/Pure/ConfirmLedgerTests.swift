#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import Foundation
import Testing

@Suite("The ledger of confirms")
struct ConfirmLedgerTests {
    private let ids = (0..<10).map { EventID(high: UInt64($0), low: 0) }
    private let route = MessageRoute(exchange: "shop", routingKey: "order.placed")
    private let unroutable = RabbitMQError(.unroutable, "no route")

    private func ledger(_ count: Int) -> ConfirmLedger<Int> {
        var ledger = ConfirmLedger<Int>()
        for number in 0..<count { ledger.publish(number, id: ids[number % 10], route: route) }
        return ledger
    }

    private func settle(_ ledger: inout ConfirmLedger<Int>, _ tag: UInt64, multiple: Bool) -> [Int] {
        var settled: [Int] = []
        ledger.settle(tag: tag, multiple: multiple) { settled.append($0.ticket) }
        return settled
    }

    private func mark(_ ledger: inout ConfirmLedger<Int>, _ id: EventID, _ route: MessageRoute? = nil) -> Bool {
        ledger.returned(id: id, route: route ?? self.route, unroutable)
    }

    @Test("tags count from 1, and one alone settles one message")
    func single() {
        var ledger = ledger(3)
        #expect(settle(&ledger, 2, multiple: false) == [1])
        #expect(settle(&ledger, 1, multiple: false) == [0])
        #expect(settle(&ledger, 3, multiple: false) == [2])
        #expect(ledger.count == 0)
        #expect(ledger.publish(9, id: ids[0], route: route) == 4)
    }

    @Test("multiple settles all up to the tag that are not settled, in order")
    func multiple() {
        var ledger = ledger(5)
        #expect(settle(&ledger, 2, multiple: false) == [1])
        #expect(settle(&ledger, 4, multiple: true) == [0, 2, 3])
        #expect(settle(&ledger, 4, multiple: true) == [])
        #expect(ledger.count == 1)
    }

    @Test("multiple with tag zero means all")
    func all() {
        var ledger = ledger(5)
        #expect(settle(&ledger, 0, multiple: true) == [0, 1, 2, 3, 4])
        #expect(settle(&ledger, 0, multiple: true) == [])
        #expect(settle(&ledger, 0, multiple: false) == [])
    }

    @Test("what is unknown or settled settles nothing")
    func unknown() {
        var ledger = ledger(2)
        #expect(settle(&ledger, 3, multiple: true) == [])
        #expect(settle(&ledger, .max, multiple: false) == [])
        #expect(settle(&ledger, 1, multiple: false) == [0])
        #expect(settle(&ledger, 1, multiple: false) == [])
        #expect(ledger.count == 1)
    }

    @Test("a return marks the message that comes back, and nothing else")
    func returned() {
        var ledger = ledger(3)
        #expect(mark(&ledger, ids[1]) == true)
        #expect(mark(&ledger, ids[7]) == false)
        var returned: [Int] = []
        ledger.settle(tag: 3, multiple: true) { if $0.returned != nil { returned.append($0.ticket) } }
        #expect(returned == [1])
        #expect(mark(&ledger, ids[1]) == false)
    }

    @Test("the same event in two batches comes back twice, whatever the order")
    func returnedTwice() {
        var ledger = ConfirmLedger<Int>()
        for (number, id) in [0, 1, 0, 2].enumerated() { ledger.publish(number, id: ids[id], route: route) }
        #expect(mark(&ledger, ids[0]) == true)
        #expect(mark(&ledger, ids[2]) == true)
        // Behind the last one nothing is left: it begins anew.
        #expect(mark(&ledger, ids[0]) == true)
        #expect(mark(&ledger, ids[0]) == false)
        var returned: [Int] = []
        ledger.settle(tag: 4, multiple: true) { if $0.returned != nil { returned.append($0.ticket) } }
        #expect(returned == [0, 2, 3])
    }

    @Test("the same event by another route is not the one that comes back")
    func returnedByRoute() {
        var ledger = ConfirmLedger<Int>()
        let nowhere = MessageRoute(exchange: "shop", routingKey: "order.lost")
        let elsewhere = MessageRoute(exchange: "", routingKey: "order.placed")
        for (number, route) in [route, nowhere, elsewhere, nowhere].enumerated() {
            ledger.publish(number, id: ids[0], route: route)
        }
        #expect(mark(&ledger, ids[0], MessageRoute(exchange: "", routingKey: "order.lost")) == false)
        #expect(mark(&ledger, ids[0], nowhere) == true)
        #expect(mark(&ledger, ids[0], elsewhere) == true)
        #expect(mark(&ledger, ids[0], nowhere) == true)
        #expect(mark(&ledger, ids[0], nowhere) == false)
        var returned: [Int] = []
        ledger.settle(tag: 4, multiple: true) { if $0.returned != nil { returned.append($0.ticket) } }
        #expect(returned == [1, 2, 3])
    }

    @Test("routes are told apart by bytes, as the broker does")
    func routeBytes() {
        let composed = MessageRoute(exchange: "shop", routingKey: "caf\u{E9}")
        #expect(composed != MessageRoute(exchange: "shop", routingKey: "cafe\u{301}"))
        #expect(composed == MessageRoute(exchange: "shop", routingKey: "caf\u{E9}"))
    }

    @Test("what is pending is told in order, without what is settled")
    func pending() {
        var ledger = ledger(4)
        _ = settle(&ledger, 2, multiple: false)
        #expect(ledger.pending == [0, 2, 3])
    }

    @Test("tags stay right over many messages in flight, confirmed in any order")
    func long() {
        var random = SystemRandomNumberGenerator()
        var ledger = ConfirmLedger<UInt64>()
        var open: Set<UInt64> = []
        var last: UInt64 = 0
        for _ in 0..<4_000 {
            if open.count < 2_500, Bool.random(using: &random) || open.isEmpty {
                for _ in 0..<Int.random(in: 1...40, using: &random) {
                    last += 1
                    #expect(ledger.publish(last, id: ids[0], route: route) == last)
                    open.insert(last)
                }
            } else if let tag = open.randomElement(using: &random) {
                let isMultiple = Int.random(in: 0..<20, using: &random) == 0
                var settled: Set<UInt64> = []
                ledger.settle(tag: tag, multiple: isMultiple) { settled.insert($0.ticket) }
                #expect(settled == (isMultiple ? open.filter { $0 <= tag } : [tag]))
                open.subtract(settled)
            }
            #expect(ledger.count == open.count)
        }
    }
}
#endif
