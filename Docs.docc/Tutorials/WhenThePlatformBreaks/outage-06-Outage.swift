@main enum Outage {
    static func main() async throws {
        try await Scenario().slow()
    }
}
