import AfterCommit
import Logging

struct Scenario: Sendable {
    let platform: DataPlatform
    let engine: EventEngine

    init() async throws {
        let platform = DataPlatform()
        var policy = DeliveryPolicy(
            backoff: .constant(.milliseconds(50)), timeout: .milliseconds(200), concurrency: 1)
        policy.rules = [
            .matching { error in
                guard let error = error as? PlatformError, let status = error.status else { return nil }
                return switch status {
                case 429: .retry(after: error.retryAfter ?? .seconds(1), cause: error)
                case 400..<500: .permanent(error)
                default: nil
                }
            }
        ]
        let endpoint = Endpoint(
            "data-platform",
            breaker: CircuitBreakerConfiguration(consecutiveFailures: 5, openDuration: .seconds(2)))
        var logger = Logger(label: "outage")
        logger.logLevel = .critical
        self.platform = platform
        engine = try await EventEngine(
            storage: InMemoryStorage(), logger: logger,
            subscriptions: [
                Subscription(
                    "data-platform", to: OrderPlaced.self, policy: policy, endpoint: endpoint
                ) { event, context in
                    try await platform.publish(event, idempotencyKey: context.idempotencyKey)
                }
            ])
    }

    func placeOrders(_ count: Int) async throws {
        try await engine.emit(contentsOf: (1...count).map { OrderPlaced(number: $0) })
    }

    func printDeadLetters() async throws {
        for letter in try await engine.deadLetters() {
            print("  dead after \(letter.history.attempts) attempts: \(letter.reason), \(letter.fingerprint)")
        }
    }
}
