#if Example
import AfterCommit
import Foundation
import Logging
import Synchronization

/// Places orders through the use case and waits until the data platform has them, or never will.
struct OrderRun: Sendable {
    var configuration: Shop.Configuration
    /// How many orders to place; `nil` places none and measures from the attempts.
    var orders: Int?
    /// How many callers place them at once.
    var concurrency = 16
    /// Gets the id of each order after its commit.
    var acknowledged: AppendOnlyFile?
    /// Reads the platform's own numbers, where it can be asked.
    var platformStats: @Sendable () async -> MockDataPlatform.Stats?
    var showsProgress = false
    var stopwatch = Stopwatch()

    struct Outcome: Sendable {
        var report: Report
        /// Whether every accepted order is delivered or a dead letter, and nothing is pending.
        var isComplete: Bool
    }

    /// - Throws: `StorageError` or `EngineError` where the shop cannot open, ``FileError`` for the acknowledged file.
    func callAsFunction() async throws -> Outcome {
        try await Shop.withShop(
            configuration, latencyFrom: orders == nil ? .attempt : .commit, stopwatch: stopwatch
        ) {
            shop in
            try await withServices([shop.engine], logger: configuration.logger) {
                try await withProgress(shop) { progress in
                    try await run(shop, progress)
                }
            }
        }
    }

    private func run(_ shop: Shop, _ progress: ProgressLine) async throws -> Outcome {
        var report = Report(storage: configuration.storage.storage, database: configuration.storage.database)
        let start = stopwatch.elapsed
        let accepted = try await placeOrders(shop, progress)
        let placing = stopwatch.elapsed - start
        try await shop.engine.drain()
        report.seconds = rounded((stopwatch.elapsed - start).seconds, places: 3)

        report.orders = Report.Orders(accepted: accepted.count, rejected: (orders ?? 0) - accepted.count)
        if placing > .zero { report.ordersPerSecond = rounded(Double(accepted.count) / placing.seconds, places: 1) }
        for status in try await shop.engine.status() { report.add(status) }
        report.add(shop.timings)
        report.add(await platformStats())
        let missing = shop.timings.undelivered(of: accepted)
        let lost = missing.isEmpty ? [] : missing.subtracting(try await deadOrders(shop.engine))
        if !lost.isEmpty {
            configuration.logger.error(
                "orders are neither delivered nor dead letters", metadata: ["count": "\(lost.count)"])
        }
        return Outcome(report: report, isComplete: lost.isEmpty && report.deliveries.pending == 0)
    }

    /// - Returns: the ids of the orders that were committed.
    private func placeOrders(_ shop: Shop, _ progress: ProgressLine) async throws -> Set<String> {
        guard let orders else { return [] }
        let numbers = OrderNumbers(upTo: orders)
        return try await withThrowingTaskGroup(of: [String].self) { callers in
            for _ in 0..<min(concurrency, orders) {
                callers.addTask {
                    var accepted: [String] = []
                    while let number = numbers.next() {
                        guard let id = await place(number, shop) else { continue }
                        accepted.append(id)
                        try acknowledged?.append(id)
                        progress.placed()
                    }
                    return accepted
                }
            }
            return try await callers.reduce(into: []) { $0.formUnion($1) }
        }
    }

    /// - Returns: the order's id, or `nil` for one the shop could not take.
    private func place(_ number: Int, _ shop: Shop) async -> String? {
        let request = OrderRequest(
            customer: "customer-\(number % 100)",
            lines: [.init(article: "article-\(number % 7)", quantity: 1 + number % 3, unitPrice: 1999 / 100)])
        do {
            let id = try await shop.placeOrder(request).id.uuidString
            shop.timings.committed(id)
            return id
        } catch {
            configuration.logger.notice("order rejected", metadata: ["error.message": "\(error)"])
            return nil
        }
    }

    /// The orders whose events are dead letters.
    private func deadOrders(_ engine: EventEngine) async throws -> Set<String> {
        var orders: Set<String> = []
        var query = DeadLetterQuery(subscription: DataPlatformMessaging.subscriptionName, limit: 1_000)
        while true {
            let page = try await engine.deadLetters(query)
            orders.formUnion(page.compactMap(\.envelope.orderingKey))
            guard page.count == query.limit, let last = page.last else { return orders }
            query.after = last.id
        }
    }

    private func withProgress<R: Sendable>(
        _ shop: Shop, _ body: (ProgressLine) async throws -> R
    ) async throws -> R {
        let progress = ProgressLine(orders: orders)
        guard showsProgress else { return try await body(progress) }
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await progress.show(shop.engine, stopwatch: stopwatch) }
            defer { tasks.cancelAll() }
            return try await body(progress)
        }
    }
}

/// Hands out 1 to a last number, to several callers.
private final class OrderNumbers: Sendable {
    private let last: Int
    private let taken = Mutex(0)

    init(upTo last: Int) {
        self.last = last
    }

    func next() -> Int? {
        taken.withLock { taken in
            guard taken < last else { return nil }
            taken += 1
            return taken
        }
    }
}

private func rounded(_ value: Double, places: Int) -> Double {
    let scale = pow(10, Double(places))
    return (value * scale).rounded() / scale
}
#endif
