import Metrics

/// How long operations of a subscription took, by what their error was. Error types are bounded: the first
/// ``maxErrorTypes`` have their own series, the others share one.
final class OperationDurations: Sendable {
    static let maxErrorTypes = 50

    private let factory: any MetricsFactory
    private let name: String
    private let labels: [(String, String)]
    private let succeeded: Timer
    private let failed = Locked<[String: Timer]>([:])

    init(_ name: String, labels: [(String, String)], factory: any MetricsFactory) {
        self.factory = factory
        self.name = name
        self.labels = labels
        succeeded = Self.timer(name, labels: labels, errorType: "", factory: factory)
    }

    func record(_ duration: Duration, errorType: String?) {
        // Exporters publish timers in seconds, which is OpenTelemetry's unit.
        timer(errorType).recordNanoseconds(Int64(max(.zero, duration) / .nanoseconds(1)))
    }

    private func timer(_ errorType: String?) -> Timer {
        guard let errorType else { return succeeded }
        return failed.withLock { failed in
            let bounded = failed[errorType] != nil || failed.count < Self.maxErrorTypes ? errorType : MetricLabel.other
            if let timer = failed[bounded] { return timer }
            let timer = Self.timer(name, labels: labels, errorType: bounded, factory: factory)
            failed[bounded] = timer
            return timer
        }
    }

    private static func timer(
        _ name: String, labels: [(String, String)], errorType: String, factory: any MetricsFactory
    ) -> Timer {
        Timer(
            label: name, dimensions: labels + [(MetricLabel.errorType, errorType)], preferredDisplayUnit: .seconds,
            factory: factory)
    }
}
