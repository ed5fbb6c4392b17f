import AfterCommit
import Foundation
import TestSupport
import Testing

/// Where one server delivers: the notes of what was in flight lie beside the store.
@Suite(.timeLimit(.minutes(3))) struct CrashLoopTests {
    @Test(
        "Fault 23: handlers that kill the process end as crashLoop, and what was in flight beside them is delivered",
        arguments: EffectRounds.Database.built.filter { $0 != .postgres }, [[13], [13, 40]])
    func handlersThatTrap(_ database: EffectRounds.Database, _ poison: [Int]) async throws {
        try await database.withPlace { place in
            var deaths = 0
            var told: [String] = []
            while deaths < 20 {
                // A backtrace of each death would take seconds.
                let probe = try Probe(
                    ["crash-loop", place, database.rawValue] + poison.map(String.init),
                    wrapper: ["/usr/bin/env", "SWIFT_BACKTRACE=enable=no"])
                told += await probe.rest()
                if await probe.end() == 0 { break }
                deaths += 1
            }
            // Once among the others, then three times alone.
            #expect(deaths == 1 + 3 * poison.count)
            let dead = told.filter { $0.hasPrefix("dead ") }
            #expect(dead.sorted() == poison.map { "dead crashLoop \($0)" })
            #expect(told.filter { $0.hasPrefix("delivered ") } == ["delivered \(64 - poison.count)"])
            let handled = told.filter { $0.hasPrefix("handled ") }
            #expect(Set(handled).count == 64 - poison.count)
            #expect(handled.count == 64 - poison.count)
        }
    }
}
