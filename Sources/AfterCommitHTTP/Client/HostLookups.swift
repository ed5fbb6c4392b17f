#if HTTP
import AfterCommit

/// Asks DNS once for all that want one host's addresses at the same time.
final class HostLookups: Sendable {
    private typealias Waiter = CheckedContinuation<[IPAddress], any Error>

    private struct State {
        var book = AddressBook()
        /// Those that wait for a host's lookup, by their numbers. A host is in it while its lookup runs.
        var waiters: [String: [Int: Waiter]] = [:]
        var nextNumber = 0
    }

    private let resolver: any HostResolver
    private let lifetime: Duration
    private let time: TimeSource
    private let state = Locked(State())

    init(resolver: any HostResolver, lifetime: Duration, time: TimeSource) {
        self.resolver = resolver
        self.lifetime = lifetime
        self.time = time
    }

    /// - Throws: what the resolver throws, or `CancellationError` at once where the task is cancelled.
    func addresses(of host: String) async throws -> [IPAddress] {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                join(waiter, number: number, host: host)
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters[host]?.removeValue(forKey: number) }
            waiter?.resume(throwing: CancellationError())
        }
    }

    private enum Next {
        case answer([IPAddress])
        case cancelled
        case lookUp
        case wait
    }

    private func join(_ waiter: Waiter, number: Int, host: String) {
        let next: Next = state.withLock { state in
            if let known = state.book.addresses(of: host, now: time.now()) { return .answer(known) }
            // The handler of cancellation takes the same lock: it has run before this, or finds the waiter.
            if Task.isCancelled { return .cancelled }
            let isRunning = state.waiters[host] != nil
            state.waiters[host, default: [:]][number] = waiter
            return isRunning ? .wait : .lookUp
        }
        switch next {
        case .answer(let known): waiter.resume(returning: known)
        case .cancelled: waiter.resume(throwing: CancellationError())
        case .wait: break
        case .lookUp:
            // Nobody's child: one that gives up must not take the answer from the others.
            Task { await lookUp(host) }
        }
    }

    private func lookUp(_ host: String) async {
        let result: Result<[IPAddress], any Error>
        do {
            result = .success(try await resolver.addresses(of: host))
        } catch {
            result = .failure(error)
        }
        let (waiters, outcome) = state.withLock { state in
            let outcome = result.map { found in
                state.book.learn(found, of: host, freshUntil: time.now() + lifetime)
                return state.book.inOrder(host)
            }
            return (state.waiters.removeValue(forKey: host) ?? [:], outcome)
        }
        for waiter in waiters.values { waiter.resume(with: outcome) }
    }

    func answered(_ address: IPAddress, of host: String) {
        state.withLock { $0.book.answered(address, of: host) }
    }

    /// Lets the host's other addresses be tried before this one, and DNS be asked again.
    func gaveNoAnswer(_ address: IPAddress, of host: String) {
        state.withLock { state in
            state.book.gaveNoAnswer(address, of: host)
            state.book.expire(host)
        }
    }
}
#endif
