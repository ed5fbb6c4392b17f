import AfterCommit

/// Takes the time from the first message that a source gives out to the settlement of the last: neither connecting nor joining
/// a group is in it.
final class MeasuredSource: EventSource {
    private struct State {
        var begin: ContinuousClock.Instant?
        var time: Duration?
        var left: Int
        var waiter: CheckedContinuation<Duration, Never>?
    }

    private let source: any EventSource
    private let state: Locked<State>

    /// - Parameter count: how many messages there are.
    init(_ source: any EventSource, count: Int) {
        self.source = source
        state = Locked(State(left: count))
    }

    var name: String { source.name }

    func receive(upTo limit: Int) async throws -> [IncomingMessage] {
        let messages = try await source.receive(upTo: limit)
        state.withLock { if $0.begin == nil { $0.begin = .now } }
        return messages
    }

    func settle(_ settlements: [MessageSettlement]) async throws {
        try await source.settle(settlements)
        let end = state.withLock { state -> (CheckedContinuation<Duration, Never>?, Duration)? in
            state.left -= settlements.count
            guard state.left <= 0, state.time == nil, let begin = state.begin else { return nil }
            let time = ContinuousClock.now - begin
            state.time = time
            return (state.waiter, time)
        }
        if let end { end.0?.resume(returning: end.1) }
    }

    func close() async { await source.close() }

    /// Waits for the settlement of the last. One may wait.
    func time() async -> Duration {
        await withCheckedContinuation { waiter in
            let time = state.withLock { state in
                if state.time == nil { state.waiter = waiter }
                return state.time
            }
            if let time { waiter.resume(returning: time) }
        }
    }
}
