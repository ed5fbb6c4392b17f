import AfterCommit
import AfterCommitTesting
import InMemoryTracing
import Logging
import Synchronization
import Testing
import Tracing

private struct Placed: Event {
    static let type: EventType = "order.placed"
    var fails = 0
}

private struct Unavailable: Error {}

@Suite struct TracingTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let clock = ManualClock()
    /// Injected, so that no test needs the system's, which is bootstrapped once in a process.
    private let tracer = InMemoryTracer()

    private func storage() -> InMemoryStorage {
        InMemoryStorage(envelopes: EnvelopeFactory(wallClock: clock.wallClock, tracer: tracer))
    }

    private func engine(
        _ storage: any EventStorage, policy: DeliveryPolicy = DeliveryPolicy(backoff: .constant(.zero)),
        handler: @escaping @concurrent @Sendable (Placed, DeliveryContext) async throws -> Void
    ) async throws -> EventEngine {
        try await EventEngine(
            storage: storage, logger: quiet, configuration: EngineConfiguration(tracer: tracer), clock: clock,
            wallClock: clock.wallClock,
            subscriptions: [Subscription("platform", to: Placed.self, policy: policy, handler: handler)])
    }

    private func spans(_ name: String) -> [FinishedInMemorySpan] {
        tracer.finishedSpans.filter { $0.operationName == name }
    }

    @Test func linksEachAttemptToTheEmit() async throws {
        let storage = storage()
        let seen = Mutex<[String?]>([])
        let engine = try await engine(storage) { event, context in
            seen.withLock { $0.append(ServiceContext.current?.inMemorySpanContext?.spanID) }
            if context.attempt <= event.fails { throw Unavailable() }
        }
        let request = tracer.startSpan("request", context: .topLevel, ofKind: .server)
        let id = try await ServiceContext.withValue(request.context) { try await engine.emit(Placed(fails: 2)) }
        request.end()
        try await engine.drain()

        let send = try #require(spans("send order.placed").first)
        #expect(send.kind == .producer)
        #expect(send.parentSpanID == request.spanID)
        #expect(send.attributes.get("messaging.system") == .string("aftercommit"))
        #expect(send.attributes.get("messaging.operation.name") == .string("send"))
        #expect(send.attributes.get("messaging.operation.type") == .string("send"))
        #expect(send.attributes.get("messaging.destination.name") == .string("order.placed"))
        #expect(send.attributes.get("messaging.message.id") == .string("\(id)"))

        let attempts = spans("process order.placed")
        #expect(attempts.count == 3)
        #expect(attempts.allSatisfy { $0.kind == .consumer && $0.parentSpanID == nil && $0.traceID != send.traceID })
        #expect(attempts.allSatisfy { $0.links.map(\.context.inMemorySpanContext?.spanID) == [send.spanID] })
        #expect(attempts.map { $0.attributes.get("http.request.resend_count") } == [nil, .int64(1), .int64(2)])
        #expect(
            attempts.map { $0.attributes.get("error.type") } == [.string("Unavailable"), .string("Unavailable"), nil])
        #expect(attempts.map { $0.status?.code } == [.error, .error, nil])
        #expect(
            attempts.allSatisfy {
                $0.attributes.get("messaging.destination.subscription.name") == .string("platform")
                    && $0.attributes.get("messaging.operation.type") == .string("process")
                    && $0.attributes.get("messaging.message.id") == .string("\(id)")
            })
        #expect(seen.withLock { $0 } == attempts.map(\.spanID))
    }

    @Test func settlesInSpansOfTheirOwn() async throws {
        let storage = FaultInjectingStorage(storage())
        let engine = try await engine(storage) { _, _ in }
        storage.failSettles(1)
        let running = Task { try await engine.run() }
        try await engine.emit(Placed())
        try await engine.waitUntilIdle()
        #expect(storage.failedCount == 1)
        clock.advance(by: .seconds(1))
        try await engine.drain()
        running.cancel()
        try await running.value
        let settles = spans("settle")
        #expect(settles.map(\.kind) == [.client, .client])
        #expect(settles.map { $0.attributes.get("error.type") } == [.string("InjectedFault"), nil])
        #expect(settles.map { $0.status?.code } == [.error, nil])
        #expect(settles.allSatisfy { $0.attributes.get("messaging.batch.message_count") == .int64(1) })
        #expect(settles.allSatisfy { $0.attributes.get("messaging.operation.type") == .string("settle") })
    }

    @Test func linksNothingToAnEventThatNoTraceEmitted() async throws {
        let engine = try await engine(storage()) { _, _ in }
        try await engine.emit(Placed())
        try await engine.drain()
        #expect(spans("send order.placed").isEmpty)
        #expect(spans("process order.placed").map(\.links.count) == [0])
    }

    @Test func endsWithAHandlerThatWasGivenUp() async throws {
        let latch = Latch()
        let engine = try await engine(storage(), policy: DeliveryPolicy(maxRetries: 0, timeout: .seconds(3))) { _, _ in
            await latch.wait()
        }
        let running = Task { try await engine.run() }
        try await engine.emit(Placed())
        await clock.waitForSleeper(until: clock.now.advanced(by: .seconds(3)))
        clock.advance(by: .seconds(3))
        try await engine.waitUntilIdle()
        #expect(spans("process order.placed").isEmpty)
        latch.open()
        while try await engine.status()[0].totals.refusedResults == 0 { await Task.yield() }
        running.cancel()
        try await running.value
        let span = try #require(spans("process order.placed").first)
        #expect(span.attributes.get("error.type") == .string("timeout"))
        #expect(span.status?.code == .error)
    }

    @Test func makesNothingWithoutATracer() async throws {
        #expect(EventTracing(NoOpTracer()) == nil)
        let context = Mutex<ServiceContext?>(.topLevel)
        let engine = try await EventEngine(
            storage: InMemoryStorage(), logger: quiet, configuration: EngineConfiguration(tracer: NoOpTracer()),
            subscriptions: [
                Subscription("platform", to: Placed.self) { _, _ in
                    context.withLock { $0 = ServiceContext.current }
                }
            ])
        let id = try await engine.emit(Placed())
        try await engine.drain()
        #expect(context.withLock { $0 == nil })
        let record = try await engine.deliveries(DeliveryQuery(eventID: id)).first
        #expect(record?.envelope.headers == [:])
    }
}
