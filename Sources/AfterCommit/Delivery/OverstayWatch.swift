/// When to say that attempts outlived their deadline and still run: once a minute at most. A pure value.
package struct OverstayWatch: Sendable {
    package static let interval = Duration.seconds(60)

    private var saidAt: Duration?

    package init() {}

    /// - Parameter running: how many attempts were given up and still run.
    /// - Returns: whether to say it now.
    package mutating func shouldWarn(running: Int, now: Duration) -> Bool {
        guard running > 0 else { return false }
        if let saidAt, now < saidAt + Self.interval { return false }
        saidAt = now
        return true
    }
}
