import AfterCommit
import Foundation
import Logging

/// What comes of relays and consumers on both sides of a broker.
extension BrokerConformanceSuite {
    static let flowCases: [BrokerConformanceCase] = [
        BrokerConformanceCase(
            "a relay and a consumer bring each event to its handler once, through a broken connection"
        ) {
            run in
            let shop = InMemoryStorage()
            let platform = InMemoryStorage()
            let handled = Counters()
            let consumer = try EventConsumer(
                "platform", from: try await run.source(), into: platform, logger: run.logger)
            let relay = try await EventEngine(
                storage: shop, logger: run.logger,
                subscriptions: [
                    Subscription("relay", to: ConformanceEvent.self, policy: .days, sink: try await run.sink())
                ])
            let engine = try await EventEngine(
                storage: platform, logger: run.logger,
                subscriptions: [
                    Subscription("count", to: ConformanceEvent.self) { event, _ in
                        handled.increment("\(event.number)")
                    },
                    consumer.unreadable,
                ])
            let services = [
                Task { try await relay.run() }, Task { try await engine.run() }, Task { try await consumer.run() },
            ]
            func finish() async throws {
                for service in services { service.cancel() }
                for service in services { try await service.value }
            }
            do {
                for number in 0..<100 {
                    try await shop.emit(ConformanceEvent(number: number, key: "\(number % 10)"))
                    if number == 50 { try await run.broker.interrupt() }
                }
                try await run.eventually("not all events were handled") {
                    (0..<100).allSatisfy { handled.value("\($0)") > 0 }
                }
                for number in 0..<100 { try requireEqual(handled.value("\(number)"), 1, "of event \(number)") }
            } catch {
                try await finish()
                throw error
            }
            try await finish()
        },

        BrokerConformanceCase("a message that is no event becomes a dead letter of the consumer, with its bytes") {
            run in
            let platform = InMemoryStorage()
            let consumer = try EventConsumer(
                "platform", from: try await run.source(), into: platform, logger: run.logger)
            let engine = try await EventEngine(
                storage: platform, logger: run.logger, subscriptions: [consumer.unreadable])
            let services = [Task { try await engine.run() }, Task { try await consumer.run() }]
            let body: [UInt8] = [0xFF, 0x00, 0x7B]
            try await run.broker.publish(ForeignMessage(body: body, contentType: "text/plain"))
            try await run.eventually("there is no dead letter") {
                try await !platform.deadLetters(DeadLetterQuery()).isEmpty
            }
            let letter = try await platform.deadLetters(DeadLetterQuery())[0]
            try requireEqual(letter.reason, .malformed)
            try requireEqual(Array(try letter.envelope.bytes(using: JSONEventCoder())), body)
            for service in services { service.cancel() }
            for service in services { try await service.value }
            let second = try await run.source()
            try await run.receiveNothing(second)
        },
    ]
}
