#if Example
import AfterCommit

/// Tells the data platform of every order, once its transaction has committed.
struct DataPlatformMessaging: Sendable {
    static let subscriptionName = "data-platform"

    let client: any EventSink
    /// How long the data platform may take to answer.
    var timeout: Duration = .seconds(3)

    /// 3 retries after 1, 2 and 4 s at most; while the platform is down, the breaker waits without spending them.
    var subscription: Subscription {
        var policy = DeliveryPolicy.http
        policy.timeout = timeout
        policy.concurrency = 16
        // From the beginning: a relay may come later than the first order.
        return Subscription(
            Self.subscriptionName, to: OrderPlaced.self, policy: policy, endpoint: Endpoint("data-platform"),
            start: .beginning, sink: client)
    }
}
#endif
