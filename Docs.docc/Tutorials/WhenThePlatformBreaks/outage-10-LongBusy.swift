import AfterCommit

extension Scenario {
    func busyForLong() async throws {
        print("429, for two minutes:")
        let running = Task { try await engine.run() }
        await platform.become(.busy(retryAfter: .seconds(120)))
        try await placeOrders(1)
        try await engine.waitUntilIdle()

        let waiting = try await engine.deliveries(DeliveryQuery(state: .retrying))
        print("  \(waiting.count) waits, \(waiting[0].history.attempts) attempts charged")
        running.cancel()
        try await running.value
    }
}
