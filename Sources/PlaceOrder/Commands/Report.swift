#if Example
import AfterCommit
import Foundation

/// What a run or a resume came to, and its JSON.
struct Report: Codable, Sendable, Equatable {
    struct Orders: Codable, Sendable, Equatable {
        var accepted = 0
        var rejected = 0
    }

    struct Deliveries: Codable, Sendable, Equatable {
        var delivered = 0
        /// Dead letters in the store.
        var deadLettered = 0
        /// Not settled yet: pending, retrying or blocked.
        var pending = 0
    }

    struct Attempts: Codable, Sendable, Equatable {
        var total = 0
        var failed = 0
    }

    struct Breaker: Codable, Sendable, Equatable {
        /// How often it opened.
        var opened = 0
    }

    struct Platform: Codable, Sendable, Equatable {
        var received: Int?
        var distinctOrders: Int?
        var duplicates: Int?

        func encode(to encoder: any Encoder) throws {
            // Numbers that are not known are null, not absent.
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(received, forKey: .received)
            try container.encode(distinctOrders, forKey: .distinctOrders)
            try container.encode(duplicates, forKey: .duplicates)
        }
    }

    struct Latency: Codable, Sendable, Equatable {
        var p50: Double?
        var p99: Double?

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(p50, forKey: .p50)
            try container.encode(p99, forKey: .p99)
        }
    }

    var storage: String
    var database: String?
    var orders = Orders()
    var deliveries = Deliveries()
    var attempts = Attempts()
    var platform = Platform()
    var breaker = Breaker()
    var latencyMs = Latency()
    var seconds = 0.0
    var ordersPerSecond = 0.0

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(storage, forKey: .storage)
        try container.encode(database, forKey: .database)
        try container.encode(orders, forKey: .orders)
        try container.encode(deliveries, forKey: .deliveries)
        try container.encode(attempts, forKey: .attempts)
        try container.encode(platform, forKey: .platform)
        try container.encode(breaker, forKey: .breaker)
        try container.encode(latencyMs, forKey: .latencyMs)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(ordersPerSecond, forKey: .ordersPerSecond)
    }
}

extension Report {
    /// Fills in what the engine counted.
    mutating func add(_ status: SubscriptionStatus) {
        deliveries.delivered += status.totals.delivered
        deliveries.deadLettered += status.counts.deadLettered
        deliveries.pending += status.counts.undelivered
        attempts.total += status.totals.attempts
        attempts.failed += status.totals.failedAttempts
        breaker.opened += status.totals.breakerOpened
    }

    mutating func add(_ stats: MockDataPlatform.Stats?) {
        platform = Platform(
            received: stats?.received, distinctOrders: stats?.distinctOrders, duplicates: stats?.duplicates)
    }

    mutating func add(_ timings: DeliveryTimings) {
        let latencies = timings.latencies()
        latencyMs = Latency(p50: latencies.percentileMilliseconds(50), p99: latencies.percentileMilliseconds(99))
    }

    /// One JSON object on one line.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// For people.
    var summary: String {
        func number(_ value: Int?) -> String { value.map(String.init) ?? "unknown" }
        func milliseconds(_ value: Double?) -> String { value.map { "\($0) ms" } ?? "-" }
        return """
            storage     \(storage)\(database.map { " (\($0))" } ?? "")
            orders      \(orders.accepted) accepted, \(orders.rejected) rejected, \(ordersPerSecond) per second
            deliveries  \(deliveries.delivered) delivered, \(deliveries.deadLettered) dead letters, \
            \(deliveries.pending) pending
            attempts    \(attempts.total), \(attempts.failed) of them failed; breaker opened \(breaker.opened) times
            platform    \(number(platform.received)) received, \(number(platform.distinctOrders)) distinct orders, \
            \(number(platform.duplicates)) duplicates
            latency     p50 \(milliseconds(latencyMs.p50)), p99 \(milliseconds(latencyMs.p99))
            time        \(seconds) s
            """
    }
}
#endif
