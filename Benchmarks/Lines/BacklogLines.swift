#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation

/// Stores with 1k, 100k and 1M events that wait: how fast emits and settlements go meanwhile, how much memory the process
/// takes, and how fast the largest is drained.
///
/// The backlog is the subscription's own, and keeps its size: for each event that is emitted the handler lets one, the
/// oldest, through. What is claimed, read and settled is therefore N events behind what is written.
struct BacklogLines: Chapter {
    private static let sizes = [("1k", 1_000), ("100k", 100_000), ("1M", 1_000_000)]
    private static let rateLines = sizes.map { name, size in
        Line(
            "emit and settle, \(name) pending", .eventsPerSecond,
            ceiling: size == 1_000 ? "bare append and place, as many commits" : "the rate at 1k",
            goal: size == 1_000_000 ? .ratio(atLeast: 0.9) : nil)
    }
    private static let drainLine = Line(
        "drain of 1M pending", .eventsPerSecond, ceiling: "bare walk and place, as many commits")
    private static let memoryLines = sizes.filter { $0.1 != 100_000 }.map { name, size in
        Line(
            "private memory, \(name) pending", .mebibytes, goal: size == 1_000_000 ? .below(64) : nil)
    }

    let lines = rateLines + [drainLine] + memoryLines
    private var folders: [URL] = []
    private var bare: Stores?

    init() throws {}

    mutating func prepare() async throws {
        for (name, size) in Self.sizes {
            let folder = try Scratch.folder("backlog-\(name)")
            folders.append(folder)
            try await BacklogRun.fill(storeAt: folder, count: size)
        }
        let bare = try await Stores()
        try bare.bare.append(1_000_000, commits: 1_000)
        self.bare = bare
    }

    mutating func finish() async throws {
        try await bare?.close()
        for folder in folders { try Scratch.remove(folder) }
    }

    func round() async throws -> [Sample] {
        guard let bare, let largest = folders.last else { return [] }
        var samples: [Sample] = []
        for (line, folder) in zip(Self.rateLines, folders) {
            let before = try Stores.commits(ofStoreAt: folder)
            let rate = try await BacklogRun.measure(storeAt: folder)
            let commits = try Stores.commits(ofStoreAt: folder) - before
            let ceiling =
                try samples.first?.value
                ?? rateHere(BacklogRun.count) {
                    try bare.bare.appendAndSettle(BacklogRun.count, commits: commits)
                }
            samples.append(
                Sample(
                    line, rate, ceiling: ceiling,
                    eventsPerCommit: Double(BacklogRun.count) / Double(commits)))
        }
        samples.append(try await Self.drain(copyOf: largest, bare.bare))
        for (line, folder) in zip(Self.memoryLines, [folders[0], largest]) {
            samples.append(Sample(line, try MemoryUse.ofProcess(storeAt: folder.path)))
        }
        return samples
    }

    /// A copy, because what is drained once is drained for good.
    private static func drain(copyOf folder: URL, _ bare: BareStore) async throws -> Sample {
        let copy = try Scratch.folder("drain")
        let data = copy.appendingPathComponent("data.mdb")
        let files = FileManager.default
        for name in try files.contentsOfDirectory(atPath: folder.path) where name != "lock.mdb" {
            try files.copyItem(at: folder.appendingPathComponent(name), to: copy.appendingPathComponent(name))
        }
        let file = try FileHandle(forUpdating: data)
        try file.synchronize()
        try file.close()

        let storage = try LMDBStorage(path: copy.path)
        let running = try await RunningEngine(
            storage,
            Subscription(BacklogRun.name, to: OrderPlaced.self, policy: BacklogRun.policy) { _, _ in })
        let before = try Stores.commits(ofStoreAt: copy)
        let time = try await ContinuousClock().measure { try await running.engine.drain() }
        let commits = try Stores.commits(ofStoreAt: copy) - before
        let count = try await delivered(running.engine)
        guard count >= 1_000_000 - BacklogRun.policy.concurrency else {
            throw BenchmarkError("\(count) of 1,000,000 events were drained")
        }
        try await running.stop()
        await storage.close()
        try Scratch.remove(copy)

        var sum: UInt64 = 0
        let ceiling = try rateHere(1_000_000) { sum = try bare.drain(1_000_000, commits: commits) }
        guard sum != 0 else { throw BenchmarkError("the bare loop read nothing") }
        return Sample(
            drainLine, Double(count) / time.seconds, ceiling: ceiling,
            eventsPerCommit: Double(count) / Double(commits))
    }
}
#endif
