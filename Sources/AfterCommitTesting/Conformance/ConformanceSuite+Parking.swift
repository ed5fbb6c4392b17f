import AfterCommit

extension ConformanceSuite {
    static let parkingCases: [ConformanceCase] = [
        ConformanceCase(.parking, "behind an open breaker deliveries wait, nothing charged and no row written") { run in
            let storage = try await run.storage()
            let up = Counters()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in
                if up.value("up") == 0 { throw Refusal() }
            }
            let endpoint = Endpoint(
                "platform", breaker: CircuitBreakerConfiguration(minimumCalls: 10, openDuration: .seconds(5)))
            let policy = DeliveryPolicy(concurrency: 1)
            try await run.running(
                storage, [handler.subscription(policy: policy, endpoint: endpoint)]
            ) { engine in
                try await run.emit(contentsOf: (0..<2000).map { ConformanceEvent(number: $0) }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(handler.calls.count, 10, "attempts until the breaker opened")
                try requireEqual(try await engine.status().first?.parked, .breakerOpen)
                // 60 s of failing probes.
                try await run.pass(.seconds(60), step: .seconds(1), engine)
                let probes = handler.calls.dropFirst(10)
                try require((10...12).contains(probes.count), "\(probes.count) probes in 60 s of 5 s each")
                try requireEqual(Set(probes.map(\.event.number)).count, probes.count, "each probe is another delivery")
                let counts = try await engine.counts()
                try requireEqual(counts.retrying, 10, "rows of deliveries that were charged")
                try requireEqual(counts.pending, 1990)
                try requireEqual(counts.deadLettered, 0)
                up.increment("up")
                try await run.pass(.seconds(10), engine)
                try await engine.drain()
                try requireEqual(Set(handler.succeeded.map(\.event.number)).count, 2000)
                try requireEqual(try await engine.counts(), DeliveryCounts())
                let attempts = handler.succeeded.filter { $0.event.number >= 10 }.map(\.context.attempt)
                try requireEqual(Set(attempts), [1], "parked deliveries were charged")
            }
        },
        ConformanceCase(.parking, "a refusal of one event shows that the endpoint is up") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { event, _ in
                throw event.number < 10 ? Refusal() : HandlerOutcome.permanent(Refusal())
            }
            let policy = DeliveryPolicy(concurrency: 1)
            try await run.running(storage, [handler.subscription(policy: policy)]) { engine in
                try await run.emit(contentsOf: (0..<12).map { ConformanceEvent(number: $0) }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(try await engine.status().first?.breaker, .open)
                try await run.pass(.seconds(5), engine)
                let status = try await engine.status().first
                try requireEqual(status?.counts.deadLettered, 2, "the probe and the one after it")
            }
        },
        ConformanceCase(.parking, "a bulkhead bounds what runs at once over all its subscriptions") { run in
            let storage = try await run.storage()
            let running = Counters()
            let most = Counters()
            let latch = Latch()
            let behavior: @concurrent @Sendable (ConformanceEvent, DeliveryContext) async throws -> Void = { _, _ in
                running.increment("in")
                if running.value("in") - running.value("out") > 3 { most.increment("exceeded") }
                if running.value("in") >= 3 { latch.open() }
                await latch.wait()
                running.increment("out")
            }
            let first = RecordingHandler<ConformanceEvent>(behavior: behavior)
            let second = RecordingHandler<ConformanceEvent>(behavior: behavior)
            let endpoint = Endpoint("platform", maxConcurrent: 3)
            let all = run.fitting(first, second)
            let subscriptions = run.fitting(
                first.subscription("first", endpoint: endpoint), second.subscription("second", endpoint: endpoint))
            try await run.running(storage, subscriptions) { engine in
                try await run.emit(contentsOf: (0..<100).map { ConformanceEvent(number: $0) }, engine)
                try await engine.drain()
                try requireEqual(most.value("exceeded"), 0, "times more than 3 ran")
                try requireEqual(all.map(\.succeeded.count), all.map { _ in 100 })
                try requireEqual(Set(all.flatMap(\.calls).map(\.context.attempt)), [1])
            }
        },
        ConformanceCase(.parking, "a rate limit spreads attempts over time and charges nothing") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            let endpoint = Endpoint("platform", rateLimit: RateLimit(10, per: .seconds(1)))
            try await run.running(storage, [handler.subscription(endpoint: endpoint)]) { engine in
                try await run.emit(contentsOf: (0..<40).map { ConformanceEvent(number: $0) }, engine)
                try await engine.waitUntilIdle()
                try requireEqual(handler.calls.count, 10)
                try requireEqual(try await engine.status().first?.parked, .rateLimited)
                try await run.pass(.seconds(1), step: .milliseconds(100), engine)
                try require((18...21).contains(handler.calls.count), "\(handler.calls.count) attempts after 1 s")
                try await run.pass(.seconds(3), step: .milliseconds(100), engine)
                try requireEqual(handler.succeeded.count, 40)
                try requireEqual(Set(handler.calls.map(\.context.attempt)), [1])
            }
        },
        ConformanceCase(.parking, "a Retry-After beyond a minute parks the delivery, nothing charged") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent> { _, _ in
                if run.clock.now.offset < .seconds(600) { throw HandlerOutcome.retry(after: .seconds(600)) }
            }
            try await run.running(storage, [handler.subscription()]) { engine in
                try await run.emit(ConformanceEvent(number: 1), engine)
                try await run.pass(.seconds(660), step: .seconds(60), engine)
                try requireEqual(handler.calls.map(\.context.attempt), [1, 1])
                try requireEqual(handler.succeeded.count, 1)
            }
        },
    ]
}
