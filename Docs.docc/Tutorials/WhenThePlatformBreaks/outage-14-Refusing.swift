import AfterCommit

extension Scenario {
    func refusing() async throws {
        print("400:")
        await platform.become(.refusing)
        try await placeOrders(3)
        try await engine.drain()
        try await printDeadLetters()
        print("  breaker \(try await engine.status()[0].breaker)")
    }
}
