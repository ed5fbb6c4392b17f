import AfterCommit

extension Scenario {
    func failing() async throws {
        print("500:")
        await platform.become(.failing)
        try await placeOrders(1)
        try await engine.drain()
        try await printDeadLetters()

        let status = try await engine.status()[0]
        print("  \(status.totals.attempts) attempts, breaker \(status.breaker)")
    }
}
