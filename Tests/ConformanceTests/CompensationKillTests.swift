import AfterCommit
import Foundation
import TestSupport
import Testing

/// The program whose deliveries die and are compensated is killed, not this one.
@Suite(.timeLimit(.minutes(3))) struct CompensationKillTests {
    @Test(
        "an exhausted delivery cancels its order once in effect, whenever its process is killed",
        arguments: EffectRounds.Database.built)
    func kills(_ database: EffectRounds.Database) async throws {
        try await database.withPlace { place in
            // After the commit of the dead letters, before the run of any compensation.
            try await kill(start(database, place, 0, 3, "dead"), at: "drained 0 0 3 3")
            // Between a compensation's effect and its settlement.
            let held = try await kill(start(database, place, 3, 0, "effect"), at: "held")
            #expect(held.contains { $0.hasPrefix("cancelled ") })
            #expect(!held.contains("dead"), "what is dead is not tried again")
            // Each order is cancelled through the inbox and inside the transaction.
            let told = try await finish(start(database, place, 3, 0, "none"), expecting: "drained 6 0 3 3")
            #expect(told.contains { $0.hasPrefix("again ") }, "the kill fell between no effect and its settlement")
            let redriven = try await finish(start(database, place, 3, 0, "redrive"), expecting: "drained 6 0 3 3")
            #expect(redriven.filter { $0 == "dead" }.count == 3)
        }
    }

    @Test(
        "a dead letter and its compensation are one commit, wherever the kill falls",
        arguments: EffectRounds.Database.built)
    func killsAtAnyMoment(_ database: EffectRounds.Database) async throws {
        try await database.withPlace { place in
            let seed = UInt64.random(in: 0..<1 << 32)
            var random = Xoshiro256(seed: seed)
            var orders = 0
            for _ in 0..<3 {
                // Three deaths in a row would look like one delivery's doing.
                for _ in 0..<2 {
                    let probe = try start(database, place, orders, 24, "none")
                    orders += 24
                    var dead = Int.random(in: 1...24, using: &random)
                    for await line in probe.lines where line == "dead" {
                        dead -= 1
                        if dead == 0 { break }
                    }
                    try await Task.sleep(for: .microseconds(Int.random(in: 0...4_000, using: &random)))
                    probe.signal(SIGKILL)
                    #expect(await probe.end() == SIGKILL, "seed \(seed)")
                }
                let expected = "drained \(2 * orders) 0 \(orders) \(orders)"
                _ = try await finish(start(database, place, orders, 0, "none"), expecting: expected)
            }
        }
    }

    private func start(
        _ database: EffectRounds.Database, _ place: String, _ first: Int, _ count: Int, _ hold: String
    ) throws -> Probe {
        try Probe(["compensations", place, database.rawValue, "\(first)", "\(count)", hold])
    }

    /// - Returns: what it told until then.
    @discardableResult
    private func kill(_ probe: Probe, at expected: String) async throws -> [String] {
        var told: [String] = []
        for await line in probe.lines {
            told.append(line)
            if line == expected { break }
        }
        probe.signal(SIGKILL)
        #expect(await probe.end() == SIGKILL, "it told \(told)")
        return told
    }

    private func finish(_ probe: Probe, expecting expected: String) async throws -> [String] {
        var told: [String] = []
        for await line in probe.lines {
            told.append(line)
            guard line.hasPrefix("drained ") else { continue }
            #expect(line == expected)
            try probe.endInput()
        }
        #expect(await probe.end() == 0, "it told \(told)")
        return told
    }
}
