@main enum Outage {
    static func main() async throws {
        try await Scenario().slow()
        try await Scenario().failing()
        try await Scenario().busy()
        try await Scenario().busyForLong()
        try await Scenario().down()
        try await Scenario().refusing()
    }
}
