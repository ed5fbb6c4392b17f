#if Configuration
import AfterCommit
import AfterCommitConfiguration
import Configuration
import Testing

#if LMDB
import AfterCommitLMDB
#endif
#if HTTP
import AfterCommitHTTP
#endif

@Suite struct ConfigReaderTests {
    private func reader(_ values: [AbsoluteConfigKey: ConfigValue]) -> ConfigReader {
        ConfigReader(provider: InMemoryProvider(values: values))
    }

    /// The waits before the first retries of a policy without jitter.
    private func waits(_ policy: DeliveryPolicy, _ retries: Int) -> [Duration] {
        var random: any RandomNumberGenerator & Sendable = Xoshiro256(seed: 1)
        return (1...retries).map { policy.backoff.delay(beforeRetry: $0, random: &random) }
    }

    @Test func readsAPolicy() throws {
        let config = reader([
            "shop.delivery.maxRetries": 7, "shop.delivery.timeout": "250ms", "shop.delivery.budget": "2h",
            "shop.delivery.concurrency": 3, "shop.delivery.maxBlocked": 50,
            "shop.delivery.whenKeyExhausted": "skip", "shop.delivery.backoff.constant": 1.5,
        ])
        let policy = try DeliveryPolicy(config.scoped(to: "shop.delivery"))
        #expect(policy.maxRetries == 7)
        #expect(policy.timeout == .milliseconds(250))
        #expect(policy.budget == .seconds(7200))
        #expect(policy.concurrency == 3)
        #expect(policy.maxBlocked == 50)
        #expect(policy.whenKeyExhausted == .skip)
        #expect(waits(policy, 2) == [.milliseconds(1500), .milliseconds(1500)])
    }

    @Test func leavesWhatIsAbsentAsInTheBase() throws {
        let policy = try DeliveryPolicy(reader(["timeout": 5]), base: .days)
        #expect(policy.timeout == .seconds(5))
        #expect(policy.maxRetries == DeliveryPolicy.days.maxRetries)
        #expect(policy.budget == DeliveryPolicy.days.budget)
        #expect(waits(policy, 1)[0] >= .milliseconds(7500))
        #expect(try DeliveryPolicy(reader([:])).timeout == DeliveryPolicy.standard.timeout)
    }

    @Test func readsAGrowingBackoff() throws {
        let policy = try DeliveryPolicy(
            reader(["backoff.base": "10s", "backoff.factor": 3, "backoff.cap": "1m"]))
        // Half of each wait is fixed.
        let full: [Duration] = [.seconds(10), .seconds(30), .seconds(60), .seconds(60)]
        for (wait, full) in zip(waits(policy, 4), full) { #expect((full / 2...full).contains(wait)) }
    }

    @Test func readsFromTheEnvironment() throws {
        let environment = EnvironmentVariablesProvider(environmentVariables: [
            "DELIVERY_MAX_RETRIES": "9", "DELIVERY_TIMEOUT": "1.5s", "DELIVERY_BUDGET": "60",
        ])
        let policy = try DeliveryPolicy(ConfigReader(provider: environment).scoped(to: "delivery"))
        #expect(policy.maxRetries == 9)
        #expect(policy.timeout == .milliseconds(1500))
        #expect(policy.budget == .seconds(60))
    }

    @Test(arguments: [
        ("maxRetries", "many" as ConfigValue), ("maxRetries", 2.5), ("maxRetries", true), ("timeout", "3 fortnights"),
        ("timeout", "infs"), ("timeout", true), ("timeout", 1e300), ("whenKeyExhausted", "wait"),
        ("whenKeyExhausted", 1),
        ("backoff.base", "1s"), ("backoff.cap", "1s"),
        ("concurrency", ConfigValue(.stringArray(["1"]), isSecret: false)),
    ])
    func refusesWhatIsWrong(_ key: String, _ value: ConfigValue) {
        let error = #expect(throws: ConfigurationError.self) {
            try DeliveryPolicy(reader([AbsoluteConfigKey(ConfigKey(key)): value]))
        }
        #expect(error?.description.contains(key) == true)
        #expect(error?.expected.isEmpty == false)
    }

    @Test func refusesAConstantBackoffThatGrows() {
        #expect(throws: ConfigurationError.self) {
            try DeliveryPolicy(reader(["backoff.constant": 1, "backoff.base": 1, "backoff.cap": 2]))
        }
        #expect(throws: ConfigurationError("backoff.factor", expected: "a number of at least 1")) {
            try DeliveryPolicy(reader(["backoff.factor": 0.5, "backoff.base": 1, "backoff.cap": 2]))
        }
    }

    @Test func readsAnEndpoint() throws {
        let endpoint = try Endpoint(
            "platform",
            reader([
                "maxConcurrent": 4, "rateLimit.count": 10, "breaker.failureRate": 1, "breaker.window": 30,
                "breaker.minimumCalls": 5, "breaker.consecutiveFailures": 3, "breaker.openDuration": "1m",
            ]))
        let breaker = CircuitBreakerConfiguration(
            failureRate: 1, window: 30, minimumCalls: 5, consecutiveFailures: 3, openDuration: .seconds(60))
        #expect(
            endpoint
                == Endpoint("platform", breaker: breaker, maxConcurrent: 4, rateLimit: RateLimit(10, per: .seconds(1))))
        #expect(try Endpoint("e", reader([:])) == Endpoint("e"))
        #expect(try Endpoint("e", reader(["breaker.enabled": false])) == Endpoint("e", breaker: nil))
        #expect(try CircuitBreakerConfiguration(reader(["window": 60])) == CircuitBreakerConfiguration(window: 60))
        #expect(throws: ConfigurationError.self) { try Endpoint("e", reader(["rateLimit.interval": "1s"])) }
        #expect(throws: ConfigurationError("breaker.window", expected: "a whole number")) {
            try Endpoint("e", reader(["breaker.window": "wide"]))
        }
    }

    @Test func readsAnEngine() throws {
        let engine = try EngineConfiguration(
            reader(["shutdownGracePeriod": "1m", "maxInFlight": 64, "metricsInterval": 0]))
        #expect(engine.shutdownGracePeriod == .seconds(60))
        #expect(engine.maxInFlight == 64)
        #expect(engine.metricsInterval == .zero)
        #expect(try EngineConfiguration(reader([:])).maxInFlight == EngineConfiguration().maxInFlight)
    }

    #if LMDB
    @Test func readsAStore() throws {
        let store = try LMDBStorage.Configuration(
            reader(["maxBytes": 1_000_000_000, "retention": "7d", "settleDelay": "2ms", "maxTables": 5]))
        #expect(store.maxBytes == 1_000_000_000)
        #expect(store.retention == .seconds(7 * 86_400))
        #expect(store.settleDelay == .milliseconds(2))
        #expect(store.maxTables == 5)
        #expect(store.maxRetainedBytes == LMDBStorage.Configuration().maxRetainedBytes)
    }
    #endif

    #if HTTP
    @Test func readsASink() throws {
        let sink = try HTTPEventSinkConfiguration(
            reader(["timeout": "20s", "maxResponseBodyBytes": 100, "eventTypePrefix": "com.example", "source": "/shop"])
        )
        #expect(sink.timeout == .seconds(20))
        #expect(sink.maxResponseBodyBytes == 100)
        #expect(sink.eventTypePrefix == "com.example")
        #expect(sink.source == "/shop")
    }
    #endif
}
#endif
