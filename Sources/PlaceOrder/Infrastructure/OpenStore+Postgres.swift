#if Example
import AfterCommit
import Logging

extension OpenStore {
    static func postgres(at url: String, _ events: Events, _ logger: Logger) async throws -> Self {
        throw StorageError(.unsuitablePath, "this program was built without PostgreSQL: add --traits Example,Postgres")
    }
}
#endif
