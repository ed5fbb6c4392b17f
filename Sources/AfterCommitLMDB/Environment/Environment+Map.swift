#if LMDB
import AfterCommit
import CLMDB

extension Environment {
    /// What became of a wish for a larger map.
    enum MapChange {
        case grown
        /// The system grants no more address space; the map is as it was. The environment was opened anew,
        /// so its handles must be too.
        case refused
    }

    /// Takes over the map size of another process, whose store has outgrown this one's. Alone only, see ``gate``.
    func adoptMapSize() throws(StorageError) -> MapChange {
        try setMapSize(0, orElse: try mapBytes())
    }

    /// Doubles the map until `bytes` fit, or `limit` is reached. Alone only, see ``gate``.
    func growMap(toHold bytes: Int, limit: Int) throws(StorageError) -> MapChange {
        let current = try mapBytes()
        var wanted = current
        while wanted < bytes, wanted < limit { wanted = wanted > limit / 2 ? limit : wanted * 2 }
        guard wanted > current else { return .refused }
        return try setMapSize(wanted, orElse: current)
    }

    private func setMapSize(_ bytes: Int, orElse current: Int) throws(StorageError) -> MapChange {
        let code = mdb_env_set_mapsize(try pointer(), bytes)
        if code == MDB_SUCCESS { return .grown }
        // LMDB has given the old map up by then, and cannot be used without one.
        try replace(reserving: current)
        return .refused
    }
}
#endif
