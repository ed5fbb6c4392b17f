import AfterCommit

extension Scenario {
    func busy() async throws {
        print("429:")
        await platform.become(.busy(retryAfter: .milliseconds(300)))
        try await placeOrders(1)
        let took = try await ContinuousClock().measure { try await engine.drain() }
        print("  received \(await platform.receivedCount), and waited as it was asked to: \(took > .milliseconds(290))")
    }
}
