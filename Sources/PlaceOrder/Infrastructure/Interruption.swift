#if Example
import AfterCommit
import Foundation
import UnixSignals

/// Asks a run to stop before it is done: what it waits for is cancelled, and it reports what it has.
final class Interruption: Sendable {
    private struct State {
        var isInterrupted = false
        var actions: [@Sendable () -> Void] = []
    }

    private let state = Locked(State())

    var isInterrupted: Bool { state.withLock(\.isInterrupted) }

    func interrupt() {
        let actions = state.withLock { state in
            state.isInterrupted = true
            defer { state.actions = [] }
            return state.actions
        }
        for action in actions { action() }
    }

    /// Runs `body` in a task that an interruption cancels, also one that came before.
    func cancelling<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
        let task = Task { try await body() }
        let isLate = state.withLock { state in
            if !state.isInterrupted { state.actions.append { task.cancel() } }
            return state.isInterrupted
        }
        if isLate { task.cancel() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

extension Interruption {
    /// Interrupts at SIGINT or SIGTERM for as long as `body` takes. A second signal ends the process at once.
    static func bySignals<R: Sendable>(_ body: (Interruption) async throws -> R) async throws -> R {
        let interruption = Interruption()
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await signal in signals {
                    if interruption.isInterrupted { _exit(128 + signal.rawValue) }
                    Output.note("stopping; attempts under way may still end (another signal quits at once)")
                    interruption.interrupt()
                }
            }
            defer { tasks.cancelAll() }
            return try await body(interruption)
        }
    }
}
#endif
