#if Example
import AfterCommit
import AfterCommitLMDB
import Foundation
import Logging

/// Which storage to use.
enum StorageChoice: Sendable, Equatable {
    /// In memory: nothing survives the process.
    case memory
    /// A transactional outbox in LMDB; without a path in a temporary folder.
    case outbox(path: String?)

    var storage: String { if case .memory = self { "memory" } else { "outbox" } }
    var database: String? { if case .memory = self { nil } else { "lmdb" } }
}

/// A storage that is open. This is the one place that knows which.
struct OpenStore: Sendable {
    let orders: any OrderStorage
    /// The outbox's folder; `nil` in memory.
    let folder: String?
    /// Whether the folder goes when the store is closed.
    let isTemporary: Bool
    private let end: @Sendable () async -> Void

    /// - Throws: `StorageError` for a path that cannot be a store or that another process delivers from.
    init(_ choice: StorageChoice, logger: Logger) async throws {
        switch choice {
        case .memory:
            orders = InMemoryStorage()
            (folder, isTemporary) = (nil, false)
            end = {}
        case .outbox(let path):
            let folder = path ?? Self.temporaryFolder()
            let storage = try LMDBStorage(path: folder, logger: logger)
            orders = storage
            (self.folder, isTemporary) = (folder, path == nil)
            end = { await storage.close() }
        }
    }

    /// Whether the folder holds a store already.
    static func isStore(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/data.mdb")
    }

    private static func temporaryFolder() -> String {
        FileManager.default.temporaryDirectory.appending(path: "place-order-\(UUID().uuidString)")
            .path(percentEncoded: false)
    }

    /// - Parameter keepsFolder: a temporary folder stays, because something in it is still to be delivered.
    func close(keepsFolder: Bool = false) async {
        await end()
        if isTemporary, !keepsFolder, let folder { try? FileManager.default.removeItem(atPath: folder) }
    }
}
#endif
