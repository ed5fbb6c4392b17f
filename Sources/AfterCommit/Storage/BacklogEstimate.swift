/// What a storage knows of a subscription's backlog without walking it.
public struct BacklogEstimate: Sendable, Hashable {
    /// Upper estimates: ``DeliveryCounts/pending`` may count events of types that the subscription does not handle and has
    /// not passed yet, and ``DeliveryCounts/oldestPending`` may be the time of one.
    public var counts: DeliveryCounts
    /// How many events the log ever had; it never falls. `nil` where the storage cannot tell.
    public var appended: UInt64?

    public init(_ counts: DeliveryCounts, appended: UInt64? = nil) {
        self.counts = counts
        self.appended = appended
    }
}
