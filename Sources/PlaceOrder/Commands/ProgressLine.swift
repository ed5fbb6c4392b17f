#if Example
import AfterCommit

/// One line on a terminal that follows a run.
final class ProgressLine: Sendable {
    private let orders: Int?
    private let count = Locked(0)

    init(orders: Int?) {
        self.orders = orders
    }

    func placed() {
        count.withLock { $0 += 1 }
    }

    /// Redraws the line ten times a second until its task is cancelled, and then clears it.
    func show(_ engine: EventEngine, stopwatch: Stopwatch) async {
        defer { Output.progress("") }
        while !Task.isCancelled {
            if let status = try? await engine.status().first { Output.progress(text(status)) }
            guard (try? await stopwatch.sleep(for: .milliseconds(100))) != nil else { return }
        }
    }

    /// Says once what a run waits for, where no line can be redrawn and the wait is long.
    static func noteLongWait(
        _ engine: EventEngine, stopwatch: Stopwatch, note: @Sendable (String) -> Void
    ) async {
        guard (try? await stopwatch.sleep(for: .seconds(10))) != nil,
            let status = try? await engine.status().first, status.counts.undelivered > 0
        else { return }
        note(
            "waiting for the data platform: \(status.counts.undelivered) deliveries pending, "
                + "breaker \(status.breaker.rawValue)")
    }

    private func text(_ status: SubscriptionStatus) -> String {
        let waiting = status.counts.pending + status.counts.blocked
        var text = orders.map { "placed \(count.withLock(\.self))/\($0)  " } ?? ""
        text += "delivered \(status.totals.delivered)  waiting \(waiting)  retrying \(status.counts.retrying)  "
        text += "dead \(status.counts.deadLettered)  breaker \(status.breaker.rawValue)"
        return text
    }
}
#endif
