import AfterCommit
import AfterCommitTesting
import Testing

/// The broker of users' tests keeps the promises of real ones.
@Suite("Broker conformance, in memory")
struct BrokerConformanceTests {
    private static let suite = BrokerConformanceSuite { MemoryBroker() }

    @Test(arguments: suite.cases)
    func conformance(_ promise: BrokerConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}

private struct MemoryBroker: ConformanceBroker {
    let broker = InMemoryBroker()

    func makeSink() async throws -> any BatchEventSink { broker.sink() }
    func makeSource() async throws -> any EventSource { broker.source() }
    func close(_ sink: any BatchEventSink) async {}
    func publish(_ message: ForeignMessage) async throws { broker.publish(message) }
    func rejectedBodies() async throws -> [[UInt8]] { broker.rejectedBodies }
    func interrupt() async throws { broker.interrupt() }
    func close() async {}
}
