import AfterCommit
import Foundation
import TestSupport
import Testing

/// Where one server delivers: the notes of what was in flight lie beside the store.
@Suite(.timeLimit(.minutes(3))) struct CrashLoopTests {
    @Test(
        "Fault 23: a handler that kills the process ends as crashLoop, and what was in flight beside it is delivered",
        arguments: EffectRounds.Database.built.filter { $0 != .postgres })
    func aHandlerThatTraps(_ database: EffectRounds.Database) async throws {
        try await database.withPlace { place in
            var deaths = 0
            var told: [String] = []
            while deaths < 10 {
                // A backtrace of each death would take seconds.
                let probe = try Probe(
                    ["crash-loop", place, database.rawValue], wrapper: ["/usr/bin/env", "SWIFT_BACKTRACE=enable=no"])
                told += await probe.rest()
                if await probe.end() == 0 { break }
                deaths += 1
            }
            // Once among the others, then three times alone.
            #expect(deaths == 4)
            #expect(told.filter { $0.hasPrefix("dead ") } == ["dead crashLoop 13"])
            #expect(told.filter { $0.hasPrefix("left ") } == ["left 0"])
            let handled = told.filter { $0.hasPrefix("handled ") }
            #expect(Set(handled).count == 63)
            #expect(handled.count == 63)
        }
    }
}
