import AfterCommit

extension Scenario {
    func down() async throws {
        print("down:")
        let running = Task { try await engine.run() }
        await platform.become(.down)
        try await placeOrders(20)
        try await engine.waitUntilIdle()

        var status = try await engine.status()[0]
        let waiting = status.counts.pending + status.counts.retrying
        print("  breaker \(status.breaker): \(waiting) wait, \(status.totals.attempts) attempts")
        print("  parked because of \(status.parked?.rawValue ?? "nothing")")

        await platform.become(.well)
        try await engine.drain()
        status = try await engine.status()[0]
        let received = await platform.receivedCount
        print("  breaker \(status.breaker): received \(received), dead \(status.counts.deadLettered)")
        running.cancel()
        try await running.value
    }
}
