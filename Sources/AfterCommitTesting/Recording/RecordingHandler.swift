public import AfterCommit

/// A handler that remembers its calls, and then does what it was given to do.
///
/// ```swift
/// let handler = RecordingHandler<OrderPlaced>()
/// Subscription("data-platform", to: OrderPlaced.self) { try await handler($0, $1) }
/// ...
/// try await engine.drain()
/// try handler.requireDelivered(count: 1) { $0.total > 0 }
/// ```
public final class RecordingHandler<E: Event>: Sendable {
    /// One attempt.
    public struct Call: Sendable {
        public let event: E
        public let context: DeliveryContext
    }

    private struct State {
        var calls: [Call] = []
        var succeeded: [Call] = []
        var running = 0
        var mostRunning = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Locked(State())
    private let behavior: @concurrent @Sendable (E, DeliveryContext) async throws -> Void

    /// - Parameter behavior: runs after the call was noted; what it throws, the handler throws. Default: nothing.
    public init(
        behavior: @escaping @concurrent @Sendable (E, DeliveryContext) async throws -> Void = { _, _ in }
    ) {
        self.behavior = behavior
    }

    public func callAsFunction(_ event: E, _ context: DeliveryContext) async throws {
        let call = Call(event: event, context: context)
        let ready = state.withLock { state in
            state.calls.append(call)
            state.running += 1
            state.mostRunning = max(state.mostRunning, state.running)
            let ready = state.waiters.filter { $0.count <= state.calls.count }
            state.waiters.removeAll { $0.count <= state.calls.count }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
        defer { state.withLock { $0.running -= 1 } }
        try await behavior(event, context)
        state.withLock { $0.succeeded.append(call) }
    }

    /// All attempts, in the order they began.
    public var calls: [Call] { state.withLock { $0.calls } }
    /// The attempts that succeeded, in the order they ended.
    public var succeeded: [Call] { state.withLock { $0.succeeded } }
    /// The most attempts that ran at one time.
    public var mostRunning: Int { state.withLock { $0.mostRunning } }

    /// Throws unless events were handled with success that match.
    /// - Parameters:
    ///   - count: how many, exactly. Default `nil`: one or more.
    ///   - file: where it is asked, for the error's text.
    ///   - line: where it is asked, for the error's text.
    ///   - matches: which of them count. Default: all.
    /// - Returns: those that match, in the order their attempts ended.
    /// - Throws: ``RecordingFailure``, which says what was handled instead.
    @discardableResult
    public func requireDelivered(
        count: Int? = nil, file: StaticString = #fileID, line: UInt = #line,
        where matches: (E) -> Bool = { _ in true }
    ) throws -> [E] {
        let succeeded = succeeded
        return try RecordingFailure.check(
            succeeded.map(\.event).filter(matches), count: count, of: "matching events of type \(E.type) handled",
            all: succeeded.map { "\($0.event)" }, file, line)
    }

    /// Throws unless attempts were made that match, whether they succeeded or not.
    /// - Parameters:
    ///   - count: how many, exactly. Default `nil`: one or more.
    ///   - file: where it is asked, for the error's text.
    ///   - line: where it is asked, for the error's text.
    ///   - matches: which of them count. Default: all.
    /// - Returns: those that match, in the order they began.
    /// - Throws: ``RecordingFailure``, which says what was attempted instead.
    @discardableResult
    public func requireAttempts(
        count: Int? = nil, file: StaticString = #fileID, line: UInt = #line,
        where matches: (Call) -> Bool = { _ in true }
    ) throws -> [Call] {
        let calls = calls
        return try RecordingFailure.check(
            calls.filter(matches), count: count, of: "matching attempts at events of type \(E.type)",
            all: calls.map { "attempt \($0.context.attempt) at \($0.event)" }, file, line)
    }

    /// Waits until `count` attempts have begun, those before this call included.
    public func waitForCalls(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.calls.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

/// A handler that fails: always, or as often as it is told for each delivery.
public struct FailingHandler<E: Event>: Sendable {
    /// What it throws where nothing else was given.
    public struct Failure: Error {
        public init() {}
    }

    private let recorder: RecordingHandler<E>

    /// - Parameters:
    ///   - attempts: the attempts of each delivery that fail, from the first; `nil` for all. Default `nil`.
    ///   - error: what it throws.
    public init(
        attempts: Int? = nil, error: @escaping @Sendable (E) -> any Error = { _ in Failure() }
    ) {
        recorder = RecordingHandler { event, context in
            if context.attempt <= attempts ?? .max { throw error(event) }
        }
    }

    public func callAsFunction(_ event: E, _ context: DeliveryContext) async throws {
        try await recorder(event, context)
    }

    /// All attempts, in the order they began.
    public var calls: [RecordingHandler<E>.Call] { recorder.calls }
    /// The attempts that succeeded, in the order they ended.
    public var succeeded: [RecordingHandler<E>.Call] { recorder.succeeded }
}
