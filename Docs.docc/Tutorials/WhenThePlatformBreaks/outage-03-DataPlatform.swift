import AfterCommit

struct PlatformError: DeliveryFailureDescribing {
    var status: Int?
    var retryAfter: Duration?

    var failureType: String { status.map { "http.\($0)" } ?? "connection.refused" }
    var failureStatus: Int? { status }
}

actor DataPlatform {
    enum Mood: Sendable {
        case well
        case slow
        case failing
        case busy(retryAfter: Duration)
        case down
        case refusing
    }

    private var mood = Mood.well
    private var received: Set<String> = []

    var receivedCount: Int { received.count }

    func become(_ mood: Mood) { self.mood = mood }

    func publish(_ event: OrderPlaced, idempotencyKey: String) async throws {
        switch mood {
        case .well: received.insert(idempotencyKey)
        case .slow: try await Task.sleep(for: .seconds(60))
        case .failing: throw PlatformError(status: 500)
        case .busy(let retryAfter):
            mood = .well
            throw PlatformError(status: 429, retryAfter: retryAfter)
        case .down: throw PlatformError()
        case .refusing: throw PlatformError(status: 400)
        }
    }
}
