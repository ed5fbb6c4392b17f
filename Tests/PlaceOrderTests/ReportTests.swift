#if Example
import Foundation
@testable import PlaceOrder
import Testing

@Suite("The report")
struct ReportTests {
    @Test("has one shape, and null where nothing is known")
    func shape() throws {
        #expect(
            try Report(storage: "memory").json() == """
                {"attempts":{"failed":0,"total":0},"breaker":{"opened":0},"database":null,\
                "deliveries":{"deadLettered":0,"delivered":0,"pending":0},"latencyMs":{"p50":null,"p99":null},\
                "orders":{"accepted":0,"rejected":0},"ordersPerSecond":0,\
                "platform":{"distinctOrders":null,"duplicates":null,"received":null},"seconds":0,"storage":"memory"}
                """)
    }

    @Test("can be read back")
    func roundTrip() throws {
        var report = Report(storage: "outbox", database: "lmdb")
        report.add(MockDataPlatform.Stats(received: 3, distinctOrders: 2, duplicates: 1))
        #expect(try JSONDecoder().decode(Report.self, from: Data(report.json().utf8)) == report)
    }

    @Test("takes the nearest rank for its percentiles")
    func percentiles() {
        let hundred = (1...100).map { Duration.milliseconds($0) }
        #expect(hundred.percentileMilliseconds(50) == 50)
        #expect(hundred.percentileMilliseconds(99) == 99)
        #expect([Duration.milliseconds(7)].percentileMilliseconds(99) == 7)
        #expect([Duration]().percentileMilliseconds(50) == nil)
    }

    @Test("measures from the commit, and from the attempt where the commit was another process's")
    func latencies() {
        let clock = SetClock()
        for (start, expected) in [(DeliveryTimings.Start.commit, 30), (.attempt, 10)] {
            clock.set(.zero)
            let timings = DeliveryTimings(from: start, stopwatch: Stopwatch(clock))
            clock.set(.milliseconds(10))
            timings.committed("a")
            clock.set(.milliseconds(30))
            timings.attemptBegan("a")
            clock.set(.milliseconds(40))
            timings.delivered("a")
            #expect(timings.latencies() == [.milliseconds(expected)])
            #expect(timings.undelivered(of: ["a", "b"]) == ["b"])
        }
    }
}
#endif
