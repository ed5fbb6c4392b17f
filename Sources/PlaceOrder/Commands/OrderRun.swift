#if Example
import AfterCommit
import Foundation
import Logging

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
    /// Ends the placing and the waiting; the outcome tells what is pending.
    var interruption = Interruption()

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
            let run = try await withServices(shop.services, logger: configuration.logger) {
                try await withProgress(shop) { progress in
                    try await placeAndWait(shop, progress)
                }
            }
            // Only now the attempts that were under way have ended.
            return try await outcome(of: run, shop)
        }
    }

    private struct Placed: Sendable {
        /// The ids of the orders that were committed.
        var accepted: Set<String> = []
        var rejected = 0
        /// How long the placing took.
        var placing = Duration.zero
        /// How long the placing and the waiting took.
        var total = Duration.zero
    }

    private func placeAndWait(_ shop: Shop, _ progress: ProgressLine) async throws -> Placed {
        let start = stopwatch.elapsed
        var placed = try await interruption.cancelling { try await placeOrders(shop, progress) }
        placed.placing = stopwatch.elapsed - start
        do {
            if let engine = shop.engine { try await interruption.cancelling { try await drain(engine) } }
        } catch is CancellationError where interruption.isInterrupted {
            // What is left is pending.
        }
        placed.total = stopwatch.elapsed - start
        return placed
    }

    private func drain(_ engine: EventEngine) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            if !showsProgress {
                tasks.addTask {
                    await ProgressLine.noteLongWait(engine, stopwatch: stopwatch, note: configuration.note)
                }
            }
            defer { tasks.cancelAll() }
            try await engine.drain()
            // What another process has claimed in PostgreSQL, killed since perhaps, comes back after its lease.
            while try await engine.status().contains(where: { $0.counts.pending + $0.counts.retrying > 0 }) {
                try await stopwatch.sleep(for: .milliseconds(100))
                try await engine.drain()
            }
        }
    }

    private func outcome(of run: Placed, _ shop: Shop) async throws -> Outcome {
        var report = Report(
            storage: configuration.storage.storage, database: configuration.storage.database?.name)
        report.seconds = rounded(run.total.seconds, places: 3)
        report.orders = Report.Orders(accepted: run.accepted.count, rejected: run.rejected)
        if run.placing > .zero {
            report.ordersPerSecond = rounded(Double(run.accepted.count) / run.placing.seconds, places: 1)
        }
        guard let engine = shop.engine else {
            // Whether they are delivered is the relay's to tell.
            report.deliveries.pending = run.accepted.count
            return Outcome(report: report, isComplete: true)
        }
        for status in try await engine.status() { report.add(status) }
        report.add(shop.timings)
        report.add(await platformStats())
        let missing = shop.timings.undelivered(of: run.accepted)
        let lost = missing.isEmpty ? [] : missing.subtracting(try await deadOrders(engine))
        if lost.count > report.deliveries.pending {
            configuration.logger.error(
                "orders are neither delivered nor dead letters", metadata: ["count": "\(lost.count)"])
        }
        return Outcome(report: report, isComplete: lost.isEmpty && report.deliveries.pending == 0)
    }

    private func placeOrders(_ shop: Shop, _ progress: ProgressLine) async throws -> Placed {
        guard let orders else { return Placed() }
        let numbers = OrderNumbers(upTo: orders)
        return try await withThrowingTaskGroup(of: Placed.self) { callers in
            for _ in 0..<min(concurrency, orders) {
                callers.addTask {
                    var placed = Placed()
                    while !Task.isCancelled, let number = numbers.next() {
                        guard let id = await place(number, shop) else {
                            // An order that was given up is none.
                            if !Task.isCancelled { placed.rejected += 1 }
                            continue
                        }
                        placed.accepted.insert(id)
                        try acknowledged?.append(id)
                        progress.placed()
                    }
                    return placed
                }
            }
            return try await callers.reduce(into: Placed()) { all, placed in
                all.accepted.formUnion(placed.accepted)
                all.rejected += placed.rejected
            }
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
        } catch is CancellationError {
            return nil
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
        guard showsProgress, let engine = shop.engine else { return try await body(progress) }
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await progress.show(engine, stopwatch: stopwatch) }
            defer { tasks.cancelAll() }
            return try await body(progress)
        }
    }
}

/// Hands out 1 to a last number, to several callers.
private final class OrderNumbers: Sendable {
    private let last: Int
    private let taken = Locked(0)

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
