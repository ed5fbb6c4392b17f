#if LMDB
import AfterCommit
import Logging

/// What the writer does about a group that failed.
extension LMDBWriter {
    /// - Returns: whether the requests are to be run again as they are; else they were told.
    func recover(from error: any Error, _ requests: [PendingWrite]) -> Bool {
        switch WriteRecovery(error) {
        case .adoptMapSize:
            do throws(StorageError) {
                try context.adoptMapSize()
                try environmentChanged()
                return true
            } catch {
                giveUp(error)
                finish(requests, throwing: error)
            }
        case .refuse:
            finish(requests, throwing: error)
        case .reopen:
            reopen(after: error)
            finish(requests, throwing: StorageError.unknownOutcome(of: error))
        case .makeRoom:
            clearDeadReaders()
            // The next larger map, where there may be one.
            if Self.isMapFull(error), let mapBytes = try? context.environment.mapBytes(), growMap(toHold: mapBytes + 1)
            {
                return true
            }
            separate(requests, error)
        case .separate:
            separate(requests, error)
        }
        return false
    }

    func separate(_ requests: [PendingWrite], _ error: any Error) {
        if requests.count == 1 { return requests[0].finish(throwing: error) }
        for request in requests { commit([request]) }
    }

    func reopen(after error: any Error) {
        guard health.failed(error) else {
            return context.logger.critical(
                "writes to the store failed again; it accepts no more until it is opened again",
                metadata: [LogKey.error: "\(error)"])
        }
        context.logger.error(
            "a write to the store failed; it is opened again before the next",
            metadata: [LogKey.error: "\(error)"])
        do throws(StorageError) {
            try context.reopen()
            try environmentChanged()
        } catch {
            giveUp(error)
        }
    }

    func giveUp(_ error: any Error) {
        health.gaveUp(error)
        context.logger.critical(
            "the store cannot be opened again and accepts no more writes",
            metadata: [LogKey.error: "\(error)"])
    }

    /// Looks anew at what may be another environment's.
    func environmentChanged() throws(StorageError) {
        file = FileExtender(descriptor: try context.environment.dataFile())
        try space.committed(bytes: 0, in: context.environment)
    }

    func clearDeadReaders() {
        do throws(StorageError) {
            try context.environment.clearDeadReaders()
        } catch {
            context.logger.warning(
                "dead readers cannot be cleared", metadata: [LogKey.error: "\(error)"])
        }
    }
}

extension StorageError {
    /// A commit whose flush failed.
    fileprivate static func unknownOutcome(of error: any Error) -> Self {
        Self(
            .systemFailure,
            "the write was not acknowledged by the disk, and whether it is there is unknown; look before you repeat it",
            cause: (error as? GroupFailure)?.underlying ?? error)
    }
}
#endif
