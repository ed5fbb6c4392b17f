import AfterCommit
import Logging
import ServiceLifecycle

extension ConformanceSuite {
    static let engineCases: [ConformanceCase] = [
        ConformanceCase(.shutdown, "running attempts end within the grace period, nothing new begins") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in await latch.wait() }
            let engine = try await run.engine(
                storage, configuration: EngineConfiguration(shutdownGracePeriod: .seconds(7)),
                [handler.subscription(policy: DeliveryPolicy(concurrency: 2))])
            let group = Self.serviceGroup(engine)
            let running = Task { try await group.run() }
            try await run.emit(contentsOf: (0..<10).map { ConformanceEvent(number: $0) }, engine)
            await handler.waitForCalls(2)
            await group.triggerGracefulShutdown()
            try await run.eventually("the shutdown waits 7 s for what is running", engine) {
                run.clock.sleepers.contains { $0.offset == .seconds(7) }
            }
            latch.open()
            try await running.value
            try requireEqual(handler.succeeded.count, 2)
            try requireEqual(handler.calls.count, 2, "attempts: new ones began during the shutdown")
            let next = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [next.subscription()]) { engine in
                try await engine.drain()
                try requireEqual((handler.numbers + next.numbers).sorted(), Array(0..<10))
                try requireEqual(Set(next.calls.map(\.context.attempt)), [1])
            }
        },
        ConformanceCase(.shutdown, "an attempt that ignores its cancellation does not keep the engine") { run in
            let storage = try await run.storage()
            let latch = Latch()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in await latch.wait() }
            let engine = try await run.engine(
                storage, configuration: EngineConfiguration(shutdownGracePeriod: .seconds(2)),
                [handler.subscription()])
            let group = Self.serviceGroup(engine)
            let running = Task { try await group.run() }
            try await run.emit(ConformanceEvent(number: 1), engine)
            await handler.waitForCalls(1)
            await group.triggerGracefulShutdown()
            try await run.eventually("the shutdown waits 2 s for what is running", engine) {
                run.clock.sleepers.contains { $0.offset == .seconds(2) }
            }
            run.clock.advance(by: .seconds(2))
            try await running.value
            latch.open()
            let next = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [next.subscription()]) { engine in
                try await engine.drain()
                try requireEqual(next.calls.map(\.context.attempt), [1])
            }
        },
        ConformanceCase(.shutdown, "an engine runs once") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let engine = try await run.engine(storage, [handler.subscription()])
            let running = Task { try await engine.run() }
            try await engine.drain()
            running.cancel()
            try await running.value
            try await requireThrows(
                "a second run throws alreadyRan", matching: { ($0 as? EngineError)?.code == .alreadyRan }
            ) {
                try await engine.run()
            }
        },
        ConformanceCase(.configuration, "two subscriptions of one name do not start") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await requireThrows(
                "two of one name throw", matching: { ($0 as? EngineError)?.code == .duplicateSubscription }
            ) {
                _ = try await run.engine(storage, [handler.subscription("a"), handler.subscription("a")])
            }
            _ = try await run.engine(storage, [handler.subscription("a")])
        },
        ConformanceCase(.configuration, "two engines on one storage do not start") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await run.running(storage, [handler.subscription()]) { engine in
                let isOpen: (any Error) -> Bool = { ($0 as? StorageError)?.code == .alreadyOpen }
                for name in run.fitting("recorder", "other") {
                    try await requireThrows("a second owner throws alreadyOpen", matching: isOpen) {
                        _ = try await run.engine(storage, [handler.subscription(name)])
                    }
                }
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await engine.drain()
                try requireEqual(handler.numbers, [1], "the first owner goes on")
            }
        },
        ConformanceCase(.configuration, "a lease that a timeout outlasts does not start") { run in
            let leased = FaultInjectingStorage(try await run.storage(), leaseDuration: .seconds(30))
            let handler = RecordingHandler<ConformanceEvent>()
            let policy = DeliveryPolicy(timeout: .seconds(30))
            try await requireThrows(
                "a timeout as long as the lease throws",
                matching: { ($0 as? EngineError)?.code == .invalidConfiguration }
            ) {
                _ = try await run.engine(leased, [handler.subscription(policy: policy)])
            }
            _ = try await run.engine(leased, [handler.subscription(policy: DeliveryPolicy(timeout: .seconds(29)))])
        },
        ConformanceCase(.configuration, "two endpoints of one name that differ do not start") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            try await requireThrows(
                "conflicting endpoints throw",
                matching: { ($0 as? EngineError)?.code == .conflictingEndpoint }
            ) {
                _ = try await run.engine(
                    storage,
                    [
                        handler.subscription("a", endpoint: Endpoint("platform", maxConcurrent: 1)),
                        handler.subscription("b", endpoint: Endpoint("platform", maxConcurrent: 2)),
                    ])
            }
        },
    ]

    private static func serviceGroup(_ engine: EventEngine) -> ServiceGroup {
        ServiceGroup(
            services: [engine], logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() })
    }
}
