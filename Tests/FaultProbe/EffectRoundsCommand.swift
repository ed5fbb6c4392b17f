import TestSupport

extension FaultProbe {
    /// `effect-rounds PLACE DATABASE KILLS SEED`: kills this program as often while it has effects, and tells what became of
    /// them. It fails where one was not had once.
    static func effectRounds(_ place: String, _ rest: [String]) async throws {
        guard rest.count == 3, let database = EffectRounds.Database(rawValue: rest[0]), let kills = Int(rest[1]),
            let seed = UInt64(rest[2])
        else { fail("effect-rounds PLACE DATABASE KILLS SEED") }
        var rounds = EffectRounds(database, at: place, seed: seed)
        let figures = try await rounds(kills: kills)
        tell("\(database) \(figures)")
        guard figures.isEachOnce else { fail("effects were lost, had twice or never settled (seed \(seed))") }
        guard figures.killsBetween > 0 else { fail("no kill fell before a settlement, so nothing was proven") }
    }
}
