import AfterCommit
import Foundation
import TestSupport
import Testing

extension EffectRounds.Database {
    /// Those whose traits are on.
    static var built: [Self] {
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

    /// Runs `body` with a place for a new database, which a program of its own opens.
    func withPlace(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("place-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        try await body(try await place(in: folder))
    }

    private func place(in folder: URL) async throws -> String {
        switch self {
        case .lmdb: folder.appendingPathComponent("events").path
        case .sqlite: folder.appendingPathComponent("shop.sqlite").path
        case .postgres: try await onOwnThread("make-database") { try PrivatePostgres.shared().makeDatabase() }
        }
    }
}
