import AfterCommit

/// Counts by name, for handlers of cases.
final class Counters: Sendable {
    private struct State {
        var values: [String: Int] = [:]
        var last: [String: Int] = [:]
        var inside: Set<String> = []
    }

    private let state = Locked(State())

    func value(_ name: String) -> Int { state.withLock { $0.values[name, default: 0] } }
    func increment(_ name: String) { state.withLock { $0.values[name, default: 0] += 1 } }

    /// Throws when the key is being handled already, or `number` does not come after the last one.
    func enter(_ key: String, _ number: Int) throws {
        try state.withLock { state in
            guard state.inside.insert(key).inserted else {
                throw ConformanceFailure(description: "two of key \(key) at one time")
            }
            if let last = state.last[key], last >= number {
                throw ConformanceFailure(description: "\(number) of key \(key) came after \(last)")
            }
            state.last[key] = number
        }
    }

    func leave(_ key: String) { state.withLock { _ = $0.inside.remove(key) } }
}
