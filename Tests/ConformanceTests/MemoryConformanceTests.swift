import AfterCommit
import AfterCommitTesting
import Testing

@Suite struct MemoryConformanceTests {
    static let suite = ConformanceSuite(
        capabilities: [.outbox, .limited, .suspendsWhenFull, .boundsDeadLetters, .boundsBlocked]
    ) { options in
        InMemoryStorage(
            configuration: options.isSmall
                ? .init(capacity: 100, maxDeadLetters: 100) : .init(),
            envelopes: options.envelopes)
    }

    @Test(.timeLimit(.minutes(5)), arguments: suite.cases)
    func conformance(_ promise: ConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}
