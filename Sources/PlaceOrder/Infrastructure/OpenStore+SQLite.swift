#if Example
import AfterCommit
import Logging

extension OpenStore {
    static func sqlite(at path: String, isTemporary: Bool, _ events: Events, _ logger: Logger) async throws -> Self {
        throw StorageError(.unsuitablePath, "this program was built without SQLite: add --traits Example,SQLite")
    }
}
#endif
