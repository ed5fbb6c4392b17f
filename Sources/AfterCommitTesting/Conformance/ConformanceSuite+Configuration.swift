import AfterCommit

extension ConformanceSuite {
    static let refusedConfigurationCases: [ConformanceCase] = [
        ConformanceCase(.configuration, "a budget that the inbox does not outlast does not start") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            for (budget, starts) in [(storage.inboxWindow, false), (storage.inboxWindow - .seconds(1), true)] {
                let subscription = handler.subscription(policy: DeliveryPolicy(budget: budget))
                if starts {
                    _ = try await run.engine(storage, [subscription])
                } else {
                    try await run.requireRefused(storage, subscription, "a budget of \(budget)")
                }
            }
        },
        ConformanceCase(.configuration, "patterns with a star in the middle do not start", requires: .manyEventTypes) {
            run in
            let storage = try await run.storage()
            for pattern in ["order.*.placed", "*.placed", "order*", "**", "", "order.**"] {
                let subscription = Subscription("a", matching: EventTypePattern(rawValue: pattern)) { _, _ in }
                try await run.requireRefused(storage, subscription, "the pattern \(pattern.debugDescription)")
            }
            for pattern in ["*", "order.*", "order.placed"] {
                let subscription = Subscription("a", matching: EventTypePattern(rawValue: pattern)) { _, _ in }
                _ = try await run.engine(storage, [subscription])
            }
        },
        ConformanceCase(.configuration, "names and limits that cannot work do not start") { run in
            let storage = try await run.storage()
            let handler = RecordingHandler<ConformanceEvent>()
            for name in ["", "a/b", "line\nbreak", String(repeating: "n", count: 101)] {
                try await run.requireRefused(storage, handler.subscription(name), "the name \(name.debugDescription)")
            }
            let policies = [
                DeliveryPolicy(maxRetries: -1), DeliveryPolicy(timeout: .zero), DeliveryPolicy(budget: .zero),
                DeliveryPolicy(concurrency: 0), DeliveryPolicy(maxBlocked: 0),
            ]
            for policy in policies {
                try await run.requireRefused(storage, handler.subscription(policy: policy), "\(policy)")
            }
        },
    ]
}

extension ConformanceRun {
    fileprivate func requireRefused(
        _ storage: any ConformanceStorage, _ subscription: Subscription, _ what: String
    ) async throws {
        let isRefusal: (any Error) -> Bool = { ($0 as? EngineError)?.code == .invalidConfiguration }
        try await requireThrows("\(what) does not start", matching: isRefusal) {
            _ = try await engine(storage, [subscription])
        }
    }
}
