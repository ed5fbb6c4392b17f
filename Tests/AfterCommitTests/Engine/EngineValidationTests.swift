import AfterCommit
import AfterCommitTesting
import Logging
import Testing

private struct Something: Event {
    static let type: EventType = "something"
}

@Suite struct EngineValidationTests {
    @Test(arguments: [
        DeliveryPolicy(maxRetries: -1), DeliveryPolicy(timeout: .zero), DeliveryPolicy(concurrency: 0),
        DeliveryPolicy(maxBlocked: 0),
    ])
    func refusesPolicy(_ policy: DeliveryPolicy) async {
        await refuses(Subscription("s", to: Something.self, policy: policy) { _, _ in })
    }

    @Test(arguments: [
        Endpoint("e", maxConcurrent: 0), Endpoint("e", rateLimit: RateLimit(0, per: .seconds(1))),
        Endpoint("e", rateLimit: RateLimit(1, per: .zero)),
        Endpoint("e", breaker: CircuitBreakerConfiguration(failureRate: 0)),
        Endpoint("e", breaker: CircuitBreakerConfiguration(window: 5, minimumCalls: 6)),
        Endpoint("e", breaker: CircuitBreakerConfiguration(openDuration: .zero)),
    ])
    func refusesEndpoint(_ endpoint: Endpoint) async {
        await refuses(Subscription("s", to: Something.self, endpoint: endpoint) { _, _ in })
    }

    @Test(arguments: ["", "a/b", String(repeating: "x", count: 101)])
    func refusesName(_ name: String) async {
        await refuses(Subscription(name, to: Something.self) { _, _ in })
    }

    private func refuses(_ subscription: Subscription) async {
        let error = await #expect(throws: EngineError.self) {
            _ = try await EventEngine(
                storage: InMemoryStorage(), logger: Logger(label: "test"), subscriptions: [subscription])
        }
        #expect(error?.code == .invalidConfiguration)
    }
}
