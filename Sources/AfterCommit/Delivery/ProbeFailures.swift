/// Finds the delivery that keeps failing as a breaker's probe while others show that the endpoint is up: it is at fault
/// itself, and not charging it would let it close the endpoint to all again and again. A pure value.
package struct ProbeFailures: Sendable {
    /// After so many failed probes a delivery is charged.
    package static let most = 3

    private struct Record {
        var failures = 0
        /// Another delivery's probe succeeded after this one's first had failed.
        var othersSucceeded = false
    }

    private var records: [UInt64: Record] = [:]

    package init() {}

    package var count: Int { records.count }

    /// A delivery failed as a probe.
    /// - Returns: whether to charge it as a failed attempt.
    package mutating func failed(_ sequence: UInt64) -> Bool {
        var record = records[sequence] ?? Record()
        record.failures += 1
        guard record.failures >= Self.most, record.othersSucceeded else {
            records[sequence] = record
            return false
        }
        records[sequence] = nil
        return true
    }

    /// A delivery succeeded as a probe.
    package mutating func succeeded(_ sequence: UInt64) {
        records[sequence] = nil
        for other in records.keys { records[other]?.othersSucceeded = true }
    }

    /// A delivery is no longer in flight.
    package mutating func forget(_ sequence: UInt64) {
        if !records.isEmpty { records[sequence] = nil }
    }
}
