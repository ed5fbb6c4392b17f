import AfterCommit

extension Scenario {
    func refusing() async throws {
        print("400:")
        await platform.become(.refusing)
        try await placeOrders(3)
        try await engine.drain()
        try await printDeadLetters()
        print("  breaker \(try await engine.status()[0].breaker)")

        await platform.become(.well)
        let refused = DeadLetterQuery(fingerprint: "http.400|400|data-platform")
        let preview = try await engine.redrive(matching: refused, options: RedriveOptions(isDryRun: true))
        print("  \(preview.matched) match")

        let rate = RateLimit(10, per: .seconds(1))
        let report = try await engine.redrive(matching: refused, options: RedriveOptions(rate: rate))
        try await engine.drain()
        print("  \(report.redriven) redriven, received \(await platform.receivedCount)")
    }
}
