#if RabbitMQ
import AfterCommit

/// The events of one `send`, and what became of them. Its caller may leave before all is known.
final class PublishBatch: Sendable {
    private struct State {
        /// None once nobody waits any more: what is abandoned keeps no payloads.
        var messages: [OutgoingMessage]
        var outcomes: [SendOutcome?]
        var missing: Int
        var continuation: CheckedContinuation<[SendOutcome], Never>?
        var isDone = false
    }

    /// How many messages there are to be sent.
    let count: Int
    /// Their places among the events.
    private let indices: [Int]
    private let state: Locked<State>

    /// - Parameter outcomes: of each event; `nil` for those that are sent.
    init(_ messages: [OutgoingMessage], outcomes: [SendOutcome?]) {
        count = messages.count
        indices = messages.map(\.index)
        state = Locked(State(messages: messages, outcomes: outcomes, missing: messages.count))
    }

    /// Whether nobody waits for it any more.
    var isDone: Bool { state.withLock { $0.isDone } }

    /// A message that is to be sent; `nil` once nobody waits any more.
    func message(_ position: Int) -> OutgoingMessage? {
        state.withLock { $0.isDone ? nil : $0.messages[position] }
    }

    /// Resumes `continuation` once all is known.
    func begin(_ continuation: CheckedContinuation<[SendOutcome], Never>) {
        let outcomes = state.withLock { state -> [SendOutcome]? in
            if state.isDone { return Self.outcomes(state) }
            state.continuation = continuation
            return nil
        }
        if let outcomes { continuation.resume(returning: outcomes) }
    }

    /// - Parameter position: of the message among the messages. The first outcome counts.
    func settle(_ position: Int, _ outcome: SendOutcome) {
        let index = indices[position]
        let end = state.withLock { state -> Ending? in
            guard !state.isDone, state.outcomes[index] == nil else { return nil }
            state.outcomes[index] = outcome
            state.missing -= 1
            return state.missing == 0 ? Self.end(&state) : nil
        }
        end?.resume()
    }

    /// The caller is let go with what is known; what is confirmed from here on is not told any more.
    func abandon(_ error: RabbitMQError) {
        let end = state.withLock { state -> Ending? in
            guard !state.isDone else { return nil }
            for index in state.outcomes.indices where state.outcomes[index] == nil {
                state.outcomes[index] = .failed(error)
            }
            return Self.end(&state)
        }
        end?.resume()
    }

    private struct Ending {
        let continuation: CheckedContinuation<[SendOutcome], Never>?
        let outcomes: [SendOutcome]

        func resume() { continuation?.resume(returning: outcomes) }
    }

    private static func end(_ state: inout State) -> Ending {
        state.isDone = true
        state.messages = []
        defer { state.continuation = nil }
        return Ending(continuation: state.continuation, outcomes: outcomes(state))
    }

    /// All of them are known by then.
    private static func outcomes(_ state: State) -> [SendOutcome] {
        state.outcomes.map { $0 ?? .failed(RabbitMQError(.cancelled, "nothing is known of the event")) }
    }
}
#endif
