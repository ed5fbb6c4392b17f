import TestSupport
import Testing

/// The program that has the effects is killed, not this one; `make crash` kills it much more often.
@Suite(.timeLimit(.minutes(3))) struct EffectsOnceTests {
    @Test(arguments: EffectRounds.Database.built)
    func anEffectIsHadOnceWhenItsProcessIsKilledBeforeItsSettlement(_ database: EffectRounds.Database) async throws {
        try await database.withPlace { place in
            let seed = UInt64.random(in: 0..<1 << 32)
            var rounds = EffectRounds(database, at: place, seed: seed)
            let figures = try await rounds(kills: 10)
            #expect(figures.isEachOnce, "\(figures) (seed \(seed))")
            #expect(figures.killsBetween > 0, "\(figures) (seed \(seed))")
            #expect(figures.kills == 10)
        }
    }
}
