/// What an engine checks before it starts. Pure.
enum EngineValidation {
    static func validate(
        _ subscriptions: [Subscription], configuration: EngineConfiguration,
        leaseDuration: Duration?, inboxWindow: Duration
    ) throws(EngineError) {
        try validate(configuration)
        var names: Set<String> = []
        var endpoints: [String: Endpoint] = [:]
        for subscription in subscriptions {
            let name = subscription.name
            guard names.insert(name).inserted else {
                throw EngineError(
                    .duplicateSubscription,
                    "two subscriptions are named \(name.debugDescription); each has its own place, so each needs its own name"
                )
            }
            guard (1...100).contains(name.utf8.count), !name.contains("/"), DeliveryLog.oneLine(name) == name else {
                throw invalid(
                    "the subscription's name \(name.debugDescription) must have 1 to 100 bytes, no slash and no control character"
                )
            }
            let known = endpoints.updateValue(subscription.endpoint, forKey: subscription.endpoint.name)
            guard known == nil || known == subscription.endpoint else {
                throw EngineError(
                    .conflictingEndpoint,
                    "subscriptions describe the endpoint \(subscription.endpoint.name.debugDescription) differently; share one value"
                )
            }
            guard !subscription.types.patterns.isEmpty else {
                throw invalid("\(name) has no event type and no pattern: it would never get an event")
            }
            for pattern in subscription.types.patterns where !pattern.isValid {
                throw invalid(
                    "the pattern \(pattern.rawValue.debugDescription) of \(name): a star stands alone or after the last dot, as in order.*"
                )
            }
            try validate(subscription.policy, of: name, leaseDuration: leaseDuration)
            guard inboxWindow > subscription.policy.budget else {
                throw invalid(
                    "the budget of \(name) is \(subscription.policy.budget), which the inbox's window of \(inboxWindow) does not outlast: a late retry would have its effects twice"
                )
            }
            try validate(subscription.endpoint)
            if let size = subscription.batching?.size, size.size < 1 || size.within < .zero {
                throw invalid("the batch of \(name) must have at least 1 delivery and no negative time")
            }
        }
    }

    private static func validate(_ configuration: EngineConfiguration) throws(EngineError) {
        guard configuration.maxInFlight > 0 else {
            throw invalid("maxInFlight is \(configuration.maxInFlight); it must be at least 1")
        }
        guard configuration.shutdownGracePeriod >= .zero else {
            throw invalid("shutdownGracePeriod is \(configuration.shutdownGracePeriod); it must not be negative")
        }
        guard configuration.metricsInterval >= .zero else {
            throw invalid("metricsInterval is \(configuration.metricsInterval); it must not be negative")
        }
    }

    private static func validate(
        _ policy: DeliveryPolicy, of name: String, leaseDuration: Duration?
    ) throws(EngineError) {
        guard policy.maxRetries >= 0 else {
            throw invalid("maxRetries of \(name) is \(policy.maxRetries); it must not be negative")
        }
        guard policy.concurrency > 0 else {
            throw invalid("concurrency of \(name) is \(policy.concurrency); it must be at least 1")
        }
        guard policy.timeout > .zero else {
            throw invalid("timeout of \(name) is \(policy.timeout); it must be positive")
        }
        guard policy.maxBlocked > 0 else {
            throw invalid("maxBlocked of \(name) is \(policy.maxBlocked); it must be at least 1")
        }
        guard policy.budget > .zero else {
            throw invalid("budget of \(name) is \(policy.budget); it must be positive")
        }
        if let leaseDuration, leaseDuration <= policy.timeout {
            throw invalid(
                "timeout of \(name) is \(policy.timeout), which the storage's lease of \(leaseDuration) does not outlast: another server would take the delivery while it runs"
            )
        }
    }

    private static func validate(_ endpoint: Endpoint) throws(EngineError) {
        guard DeliveryLog.oneLine(endpoint.name) == endpoint.name else {
            throw invalid("the endpoint's name \(endpoint.name.debugDescription) must have no control character")
        }
        if let maxConcurrent = endpoint.maxConcurrent, maxConcurrent < 1 {
            throw invalid("maxConcurrent of endpoint \(endpoint.name) is \(maxConcurrent); it must be at least 1")
        }
        if let limit = endpoint.rateLimit, limit.count < 1 || limit.interval <= .zero {
            throw invalid("the rate limit of endpoint \(endpoint.name) must allow at least 1 in a positive interval")
        }
        if let breaker = endpoint.breaker {
            guard (0...1).contains(breaker.failureRate), breaker.failureRate > 0 else {
                throw invalid(
                    "failureRate of endpoint \(endpoint.name) is \(breaker.failureRate); it must be above 0 and at most 1"
                )
            }
            guard breaker.minimumCalls > 0, breaker.window >= breaker.minimumCalls else {
                throw invalid(
                    "the breaker of endpoint \(endpoint.name) must count at least 1 call, in a window no smaller")
            }
            guard breaker.consecutiveFailures > 0 else {
                throw invalid("consecutiveFailures of endpoint \(endpoint.name) must be at least 1")
            }
            guard breaker.openDuration > .zero else {
                throw invalid("openDuration of endpoint \(endpoint.name) must be positive")
            }
        }
    }

    static func invalid(_ message: String) -> EngineError {
        EngineError(.invalidConfiguration, message)
    }
}
