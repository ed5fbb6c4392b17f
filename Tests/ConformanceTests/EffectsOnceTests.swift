import AfterCommit
import Foundation
import TestSupport
import Testing

/// The program that has the effects is killed, not this one; `make crash` kills it much more often.
@Suite(.timeLimit(.minutes(3))) struct EffectsOnceTests {
    @Test(arguments: EffectRounds.Database.built)
    func anEffectIsHadOnceWhenItsProcessIsKilledBeforeItsSettlement(_ database: EffectRounds.Database) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("effects-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        let seed = UInt64.random(in: 0..<1 << 32)
        var rounds = EffectRounds(database, at: try await database.place(in: folder), seed: seed)
        let figures = try await rounds(kills: 10)
        #expect(figures.isEachOnce, "\(figures) (seed \(seed))")
        #expect(figures.killsBetween > 0, "\(figures) (seed \(seed))")
        #expect(figures.kills == 10)
    }
}

extension EffectRounds.Database {
    /// Those whose traits are on.
    fileprivate static var built: [Self] {
        var built: [Self] = []
        #if LMDB
        built.append(.lmdb)
        #endif
        #if SQLite
        built.append(.sqlite)
        #endif
        #if Postgres
        built.append(.postgres)
        #endif
        return built
    }

    fileprivate func place(in folder: URL) async throws -> String {
        switch self {
        case .lmdb: folder.appendingPathComponent("events").path
        case .sqlite: folder.appendingPathComponent("shop.sqlite").path
        case .postgres: try await onOwnThread("make-database") { try PrivatePostgres.shared().makeDatabase() }
        }
    }
}
