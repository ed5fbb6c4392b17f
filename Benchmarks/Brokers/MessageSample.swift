#if LMDB
import AfterCommit

/// What a sink makes of an order, so that a bare loop can send messages with the same attributes and bytes.
struct MessageSample: Sendable {
    let event: CloudEvent

    private final class FirstEvent: BatchEventSink {
        let batch = BatchSize(1)
        let event = Locked<CloudEvent?>(nil)

        func send(_ events: [OutgoingEvent]) async -> [SendOutcome] {
            event.withLock { $0 = events.first.map { CloudEvent($0) } }
            return events.map { _ in .sent }
        }
    }

    init() async throws {
        let sink = FirstEvent()
        let storage = InMemoryStorage()
        let running = try await RunningEngine(storage, Subscription("sample", to: OrderPlaced.self, sink: sink))
        try await running.engine.emit(OrderPlaced(number: 1))
        try await running.engine.drain()
        try await running.stop()
        guard let event = sink.event.withLock({ $0 }) else { throw BenchmarkError("no sample was sent") }
        self.event = event
    }

    /// An id for a bare loop's messages, as no engine makes any.
    static func id(_ number: UInt64) -> EventID {
        EventID(high: 0x019a_c000_0000_7000, low: 0x8000_0000_0000_0000 | number)
    }
}
#endif
