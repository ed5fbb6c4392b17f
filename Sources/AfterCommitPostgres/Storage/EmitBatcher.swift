#if Postgres
import AfterCommit

/// Stores what is emitted outside of transactions: what comes while one commit is under way shares the next.
final class EmitBatcher: Sendable {
    private struct Waiter {
        let emissions: [Emission]
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var waiting: [Waiter] = []
        var isFlushing = false
    }

    /// How many events one statement takes, unless one caller brings more.
    private static let maxEvents = 1_000
    private let state = Locked(State())
    private let store: @Sendable ([Emission]) async throws -> Void

    /// - Parameter store: stores them all or none.
    init(_ store: @escaping @Sendable ([Emission]) async throws -> Void) {
        self.store = store
    }

    /// Returns once they are stored. It cannot be cancelled: they may be on their way.
    func emit(_ emissions: [Emission]) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let begins = state.withLock { state in
                state.waiting.append(Waiter(emissions: emissions, continuation: continuation))
                defer { state.isFlushing = true }
                return !state.isFlushing
            }
            if begins { Task.detached { await self.flush() } }
        }
    }

    private func flush() async {
        while true {
            let batch = state.withLock { Self.next(&$0) }
            if batch.isEmpty { return }
            await store(batch)
        }
    }

    /// What the next statement takes; nothing ends the flushing.
    private static func next(_ state: inout State) -> [Waiter] {
        var count = 0
        let taken = state.waiting.prefix { waiter in
            defer { count += waiter.emissions.count }
            return count == 0 || count + waiter.emissions.count <= maxEvents
        }
        state.waiting.removeFirst(taken.count)
        state.isFlushing = !taken.isEmpty
        return Array(taken)
    }

    private func store(_ batch: [Waiter]) async {
        do {
            try await store(batch.flatMap(\.emissions))
            for waiter in batch { waiter.continuation.resume() }
        } catch  where batch.count > 1 && !(error is StorageError) {
            // It may be one of them that cannot be stored: each alone. A database that cannot be reached takes none.
            for waiter in batch { await store([waiter]) }
        } catch {
            for waiter in batch { waiter.continuation.resume(throwing: error) }
        }
    }
}
#endif
