#if SQLite
import TestSupport
import Testing

/// The program that has the effects is killed, not this one; `make crash` kills it much more often.
@Suite(.timeLimit(.minutes(3))) struct EffectsOnceTests {
    @Test func anEffectIsHadOnceWhenItsProcessIsKilledBeforeItsSettlement() async throws {
        try await withDatabasePath { path in
            try await killed(at: path)
        }
    }

    private func killed(at place: String) async throws {
        let seed = UInt64.random(in: 0..<1 << 32)
        var rounds = EffectRounds(.sqlite, at: place, seed: seed)
        let figures = try await rounds(kills: 10)
        #expect(figures.isEachOnce, "\(figures) (seed \(seed))")
        #expect(figures.killsBetween > 0, "\(figures) (seed \(seed))")
        #expect(figures.kills == 10)
    }
}
#endif
