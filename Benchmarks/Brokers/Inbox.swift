#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation
import Logging

/// A durable inbox on LMDB, in which a subscription has its place, so that what is received stays.
struct Inbox {
    private static let name = "inbox"
    private let storage: LMDBStorage
    private let folder: URL

    init() throws {
        folder = try Scratch.folder("inbox")
        storage = try LMDBStorage(path: folder.path)
    }

    /// Takes so many messages, which are there, and none of which it has taken before.
    /// - Returns: how long it took from the first that the broker gave out to the settlement of the last.
    func take(_ count: Int, from source: any EventSource) async throws -> Duration {
        let measured = MeasuredSource(source, count: count)
        let consumer = try EventConsumer(
            Self.name, from: measured, into: storage,
            logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await RunningEngine(
            storage, Subscription("platform", to: OrderPlaced.self) { _, _ in }, consumer.unreadable
        ).stop()
        let task = Task { try await consumer.run() }
        let time = await measured.time()
        task.cancel()
        try await task.value
        let totals = await consumer.totals
        guard totals.taken == count, totals.unreadable == 0 else {
            throw BenchmarkError("\(totals.taken) of \(count) messages were taken, \(totals.unreadable) unread")
        }
        return time
    }

    func close() async throws {
        await storage.close()
        try Scratch.remove(folder)
    }
}
#endif
