import AfterCommitTesting
import Foundation
import Testing

@testable import Shop

extension RecordingEmitter: OrderWriter {
    public func insert(_ order: Order) throws {}
}

@Suite struct ProcessOrderTests {
    @Test func anOrderEmitsItsEvent() throws {
        let emitter = RecordingEmitter()
        let order = try ProcessOrder()(OrderRequest(total: 42), in: emitter)
        try emitter.requireEmitted(OrderPlaced.self, count: 1) { $0.orderID == order.id && $0.total == 42 }
    }

    @Test func aRejectedOrderEmitsNothing() throws {
        let emitter = RecordingEmitter()
        #expect(throws: OrderRejected.self) { try ProcessOrder()(OrderRequest(total: 0), in: emitter) }
        try emitter.requireNothingEmitted()
    }
}
