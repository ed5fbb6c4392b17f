#if Example
import AfterCommit

/// Tells the data platform of every order, once its transaction has committed: over HTTP, or through a broker.
struct DataPlatformMessaging: Sendable {
    static let subscriptionName = "data-platform"

    let sink: any EventSink
    let policy: DeliveryPolicy

    var subscription: Subscription {
        // From the beginning: a relay may come later than the first order.
        Subscription(
            Self.subscriptionName, to: OrderPlaced.self, policy: policy, endpoint: Endpoint("data-platform"),
            start: .beginning, sink: sink)
    }
}

extension DeliveryPolicy {
    /// 3 retries after 1, 2 and 4 s at most; while the platform is down, the breaker waits without spending them.
    /// - Parameter timeout: how long the data platform may take to answer.
    static func reference(timeout: Duration) -> Self {
        var policy = DeliveryPolicy.http
        policy.timeout = timeout
        policy.concurrency = 16
        return policy
    }

    /// A broker may be away for days: what it does not take is tried as long. A batch is one attempt.
    static let relay: Self = {
        var policy = DeliveryPolicy.days
        policy.concurrency = 4
        // Shorter than a lease of 15 s, so that what a relay had in hand that is gone is taken over soon.
        policy.timeout = .seconds(10)
        return policy
    }()
}
#endif
