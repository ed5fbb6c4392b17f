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
    private let end: @Sendable () async -> Void

    /// - Throws: `StorageError` for a path that cannot be a store or that another process delivers from.
    init(_ choice: StorageChoice, logger: Logger) async throws {
        switch choice {
        case .memory:
            orders = InMemoryStorage()
            end = {}
        case .outbox(let path?):
            let storage = try LMDBStorage(path: path, logger: logger)
            orders = storage
            end = { await storage.close() }
        case .outbox(nil):
            let folder = FileManager.default.temporaryDirectory.appending(path: "place-order-\(UUID().uuidString)")
            let storage = try LMDBStorage(path: folder.path(percentEncoded: false), logger: logger)
            orders = storage
            end = {
                await storage.close()
                try? FileManager.default.removeItem(at: folder)
            }
        }
    }

    /// Whether the folder holds a store already.
    static func isStore(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/data.mdb")
    }

    func close() async {
        await end()
    }
}
#endif
