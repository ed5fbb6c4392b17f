#if LMDB
import AfterCommit
import CLMDB

/// How the map grows.
extension LMDBWriter {
    /// Makes the map larger before it is full, where it was reserved smaller than the store may become.
    func makeMapRoom(for requests: [PendingWrite]) throws(StorageError) {
        let mapBytes = try context.environment.mapBytes()
        guard mapBytes < context.configuration.maxBytes else { return }
        let further = requests.reduce(Self.maxGroupBytes) { $0 + 2 * $1.bytes }
        let needed = try context.environment.highWaterBytes() + further
        if needed > mapBytes { _ = growMap(toHold: needed) }
    }

    /// - Returns: whether the map is larger now.
    func growMap(toHold bytes: Int) -> Bool {
        guard mayGrow else { return false }
        do throws(StorageError) {
            if try context.growMap(toHold: bytes) {
                try environmentChanged()
                return true
            }
            mayGrow = false
            try environmentChanged()
            space.limitBytes = min(space.limitBytes, try context.environment.mapBytes())
        } catch {
            giveUp(error)
        }
        return false
    }

    static func isMapFull(_ error: any Error) -> Bool {
        let error = (error as? GroupFailure)?.underlying ?? error
        return (error as? StorageError)?.lmdbError?.code == MDB_MAP_FULL
    }
}
#endif
