import AfterCommit

extension Scenario {
    func slow() async throws {
        print("slow:")
        await platform.become(.slow)
        try await placeOrders(1)
        try await engine.drain()
        try await printDeadLetters()
    }
}
