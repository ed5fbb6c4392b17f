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

    /// Commits until nothing waits any more.
    func commitWaiting() {
        while true {
            var requests = mailbox.takeAll()
            if requests.isEmpty { return }
            if requests.allSatisfy(\.canWait) { waitForCompany(&requests) }
            gather(&requests)
            lastCount = requests.count
            var group: [PendingWrite] = []
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
    func waitForCompany(_ requests: inout [PendingWrite]) {
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
    func gather(_ requests: inout [PendingWrite]) {
        guard lastCount >= Self.minGathered, requests.count < lastCount / 2 else { return }
        let end = context.time.now() + Self.gatherTime
        while requests.count < lastCount * 3 / 4 {
            let rest = end - context.time.now()
            guard rest > .zero, thread.signal.wait(atMost: rest) else { return }
            requests += mailbox.takeAll()
        }
    }

    func commit(_ requests: [PendingWrite]) {
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

    func finish(_ requests: [PendingWrite], throwing error: any Error) {
        for request in requests { request.finish(throwing: error) }
    }

    func attempt(_ requests: [PendingWrite]) throws {
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
}
#endif
