#if LMDB
import AfterCommit
import CLMDB
import Logging

/// Commits what waits, many requests at a time. All writes to the store go through it.
actor LMDBWriter {
    static let maxGroupBytes = 4 << 20
    static let maxGroupCount = 1_024
    static let minGathered = 8
    static let gatherTime = Duration.microseconds(150)
    static let readerCheckInterval = Duration.seconds(60)
    /// How often one group is run again because another process has changed the size of the map.
    static let maxMapChanges = 8

    nonisolated let thread: StoreThread
    nonisolated let mailbox = Mailbox()
    let context: StoreContext
    var space: Space
    var trimmer: Trimmer
    var file: FileExtender
    var health = StoreHealth()
    /// Whether the system may grant a larger map.
    var mayGrow = true
    var lastReaderCheck: Duration
    /// How many requests were taken the last time.
    var lastCount = 0
    var lastEmit: Duration

    init(context: StoreContext, thread: StoreThread) throws(StorageError) {
        self.context = context
        lastReaderCheck = context.time.now()
        lastEmit = lastReaderCheck
        self.thread = thread
        let configuration = context.configuration
        let limit = configuration.maxBytes
        space = Space(
            limitBytes: limit, reserveBytes: min(configuration.settleReserveBytes, limit / 4))
        trimmer = Trimmer(configuration: configuration)
        file = FileExtender(descriptor: try context.environment.dataFile())
        try space.committed(bytes: 0, in: context.environment)
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Queues a write.
    nonisolated func submit(_ request: any PendingWrite) {
        switch mailbox.put(request) {
        case .first: thread.signal.raise()
        case .queued where !request.canWait: thread.signal.raise()
        case .queued: break
        case .refused: request.finish(throwing: StorageError.closed)
        }
    }

    /// Commits until nothing waits any more.
    func commitWaiting() {
        while true {
            var requests = mailbox.takeAll()
            if requests.isEmpty { return }
            if requests.allSatisfy(\.canWait) { waitForCompany(&requests) }
            gather(&requests)
            lastCount = requests.count
            var group: [any PendingWrite] = []
            var bytes = 0
            for request in requests where request.start() {
                if !group.isEmpty,
                    group.count == Self.maxGroupCount || bytes + request.bytes > Self.maxGroupBytes
                {
                    commit(group)
                    group = []
                    bytes = 0
                }
                group.append(request)
                bytes += request.bytes
                if !request.canWait { lastEmit = context.time.now() }
            }
            commit(group)
        }
    }

    /// Settlements alone wait a moment for an emit to share a flush with, if emits have been coming at all.
    func waitForCompany(_ requests: inout [any PendingWrite]) {
        let window = context.configuration.settleDelay
        let begin = context.time.now()
        guard window > .zero, begin - lastEmit < window else { return }
        while requests.allSatisfy(\.canWait) {
            let rest = window - (context.time.now() - begin)
            guard rest > .zero, thread.signal.wait(atMost: rest) else { return }
            requests += mailbox.takeAll()
        }
    }

    /// The callers of the last group have just been resumed and are likely to come again: a short wait for them saves a
    /// flush for a few of them and then another for the rest. A caller alone never waits.
    func gather(_ requests: inout [any PendingWrite]) {
        guard lastCount >= Self.minGathered, requests.count < lastCount / 2 else { return }
        let end = context.time.now() + Self.gatherTime
        while requests.count < lastCount * 3 / 4 {
            let rest = end - context.time.now()
            guard rest > .zero, thread.signal.wait(atMost: rest) else { return }
            requests += mailbox.takeAll()
        }
    }

    func commit(_ requests: [any PendingWrite]) {
        guard !requests.isEmpty else { return }
        for _ in 0..<Self.maxMapChanges {
            if let refusal = health.refusal { return finish(requests, throwing: refusal) }
            do {
                try makeMapRoom(for: requests)
                try context.environment.gate.shared { try attempt(requests) }
                health.committed()
                return
            } catch {
                guard recover(from: error, requests) else { return }
            }
        }
        finish(
            requests,
            throwing: StorageError(
                .storeBusy, "other processes make the store larger all the time; try again"))
    }

    func finish(_ requests: [any PendingWrite], throwing error: any Error) {
        for request in requests { request.finish(throwing: error) }
    }

    func attempt(_ requests: [any PendingWrite]) throws {
        let bytes = requests.reduce(0) { $0 + $1.bytes }
        // Other processes write too.
        try space.committed(bytes: 0, in: context.environment)
        try makeRoom(for: bytes)
        let group = try WriteGroup(context: context, space: space)
        do {
            file.extend(past: try context.environment.highWaterBytes(), further: bytes)
            space.diskBytes = file.reservedBytes
            group.space.diskBytes = file.reservedBytes
            for request in requests { try request.perform(in: group) }
            try trimmer.trimIfDue(group)
            file.extend(past: try context.environment.highWaterBytes(), further: group.writtenBytes)
        } catch {
            group.abort()
            throw error
        }
        try group.commit()
        afterCommit(group)
        for request in requests { request.finish() }
        if !group.change.isEmpty { context.deliveries.wake(group.change) }
    }

    func afterCommit(_ group: WriteGroup) {
        do {
            try space.committed(bytes: group.writtenBytes, in: context.environment)
            if context.time.now() - lastReaderCheck > Self.readerCheckInterval {
                lastReaderCheck = context.time.now()
                try context.environment.clearDeadReaders()
            }
        } catch {
            context.logger.warning(
                "the store's size or readers cannot be examined", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Near the limit: counts exactly, and trims what is settled, in commits of their own, until the writes fit.
    func makeRoom(for bytes: Int) throws {
        while !space.fits(bytes) {
            try space.countFreePages(in: context.environment)
            if space.fits(bytes) { return }
            let group = try WriteGroup(context: context, space: space)
            let trimmed: Int
            do {
                trimmed = try trimmer.trimSettled(group)
            } catch {
                group.abort()
                throw error
            }
            if trimmed == 0 { return group.abort() }
            try group.commit()
            afterCommit(group)
        }
    }

    // MARK: Failures

    /// - Returns: whether the requests are to be run again as they are; else they were told.
    func recover(from error: any Error, _ requests: [any PendingWrite]) -> Bool {
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

    func separate(_ requests: [any PendingWrite], _ error: any Error) {
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
