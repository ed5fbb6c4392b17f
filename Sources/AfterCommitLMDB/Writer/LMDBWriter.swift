#if LMDB
import AfterCommit
import Logging

/// Commits what waits, many requests at a time. All writes to the store go through it.
actor LMDBWriter {
    private static let maxGroupBytes = 4 << 20
    private static let maxGroupCount = 1_024
    private static let minGathered = 8
    private static let gatherTime = Duration.microseconds(150)
    private static let readerCheckInterval = Duration.seconds(60)

    nonisolated let thread: StoreThread
    nonisolated let mailbox = Mailbox()
    private let context: StoreContext
    private var space: Space
    private var trimmer: Trimmer
    private var file: FileExtender
    /// Once the disk's state is unknown nothing more is written.
    private var failure: StorageError?
    private var lastReaderCheck: Duration
    /// How many requests were taken the last time.
    private var lastCount = 0
    private var lastEmit: Duration

    init(context: StoreContext, thread: StoreThread) throws(StorageError) {
        self.context = context
        lastReaderCheck = context.time.now()
        lastEmit = lastReaderCheck
        self.thread = thread
        let configuration = context.configuration
        let limit = min(configuration.maxBytes, context.environment.mapBytes)
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
    private func waitForCompany(_ requests: inout [any PendingWrite]) {
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
    private func gather(_ requests: inout [any PendingWrite]) {
        guard lastCount >= Self.minGathered, requests.count < lastCount / 2 else { return }
        let end = context.time.now() + Self.gatherTime
        while requests.count < lastCount * 3 / 4 {
            let rest = end - context.time.now()
            guard rest > .zero, thread.signal.wait(atMost: rest) else { return }
            requests += mailbox.takeAll()
        }
    }

    private func commit(_ requests: [any PendingWrite]) {
        guard !requests.isEmpty else { return }
        if let failure {
            for request in requests { request.finish(throwing: failure) }
            return
        }
        do {
            try attempt(requests)
        } catch {
            noteFailure(error)
            if requests.count > 1 {
                // One of them, or all together, were too much: each gets its own transaction, in order.
                for request in requests { commit([request]) }
            } else {
                requests[0].finish(throwing: error)
            }
        }
    }

    private func attempt(_ requests: [any PendingWrite]) throws {
        let bytes = requests.reduce(0) { $0 + $1.bytes }
        try makeRoom(for: bytes)
        let group = try WriteGroup(context: context, space: space)
        do {
            for request in requests { try request.perform(in: group) }
            try trimmer.trimIfDue(group)
            file.extend(to: try context.environment.highWaterBytes(), further: group.writtenBytes)
        } catch {
            group.abort()
            throw error
        }
        try group.commit()
        afterCommit(group)
        for request in requests { request.finish() }
        if !group.change.isEmpty { context.deliveries.wake(group.change) }
    }

    private func afterCommit(_ group: WriteGroup) {
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
    private func makeRoom(for bytes: Int) throws {
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

    private func noteFailure(_ error: any Error) {
        let underlying = (error as? GroupFailure)?.underlying ?? error
        guard let cause = (underlying as? StorageError)?.lmdbError else { return }
        if cause.isFull {
            do {
                try context.environment.clearDeadReaders()
            } catch {
                context.logger.warning(
                    "dead readers cannot be cleared", metadata: [LogKey.error: "\(error)"])
            }
        } else if cause.leavesUnknownState {
            failure = StorageError(
                .systemFailure,
                "a write failed and what the disk holds is unknown; close the storage and open it again",
                cause: cause)
            context.logger.critical(
                "the store accepts no more writes until it is opened again",
                metadata: [LogKey.error: "\(cause)"])
        }
    }
}
#endif
