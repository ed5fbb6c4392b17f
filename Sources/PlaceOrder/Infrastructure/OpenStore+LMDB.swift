#if Example
import AfterCommit
import AfterCommitLMDB
import Logging

extension LMDBTransaction: OrderTransaction {}
extension LMDBStorage: OrderStorage {}

extension OpenStore {
    static func lmdb(at path: String, isTemporary: Bool, _ events: Events, _ logger: Logger) throws -> Self {
        let storage = try LMDBStorage(path: path, logger: logger)
        return Self(storage, events.choice(.lmdb(path: path)), temporaryPath: isTemporary ? path : nil) {
            await storage.close()
        }
    }
}
#endif
