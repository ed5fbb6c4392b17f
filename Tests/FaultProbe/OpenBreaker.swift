#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation
import Logging
import Synchronization

extension FaultProbe {
    /// `open-breaker FOLDER COUNT [hold]`: so many events behind an open breaker; tells what file and memory take before, with
    /// them, and after the breaker has closed and all are delivered.
    static func openBreaker(_ folder: String, _ rest: [String]) async throws {
        let count = Int(rest[0]) ?? 0
        let storage = try LMDBStorage(path: folder, configuration: .init(maxRetainedBytes: 0))
        let isDown = Atomic(true)
        let delivered = Atomic(0)
        let breaker = CircuitBreakerConfiguration(openDuration: .seconds(1))
        let engine = try await EventEngine(
            storage: storage, logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() },
            subscriptions: [
                Subscription(
                    "platform", to: Probed.self, policy: DeliveryPolicy(maxRetries: 1_000, concurrency: 64),
                    endpoint: Endpoint("platform", breaker: breaker)
                ) { _, _ in
                    if isDown.load(ordering: .relaxed) { throw CancellationError() }
                    delivered.add(1, ordering: .relaxed)
                }
            ])
        let running = Task { try await engine.run() }
        try await engine.emit(contentsOf: (0..<20).map { Probed(process: "first", number: $0) })
        while try await engine.status().first?.breaker == .closed { try await Task.sleep(for: .milliseconds(5)) }
        try tellSizes("before", folder)
        for start in stride(from: 0, to: count, by: 1_000) {
            try await engine.emit(
                contentsOf: (start..<min(count, start + 1_000)).map { Probed(process: "mountain", number: $0) })
        }
        try tellSizes("behind the breaker", folder)
        let counts = try await storage.counts(subscription: "platform")
        tell("pending \(counts.pending) rows \(counts.retrying + counts.blocked + counts.deadLettered)")
        // Whoever kills it here gives it no input.
        if rest.count > 1 { _ = readLine() }
        isDown.store(false, ordering: .relaxed)
        try await engine.drain()
        tell("delivered \(delivered.load(ordering: .relaxed)) of \(count + 20)")
        try tellSizes("after", folder)
        running.cancel()
        try await running.value
        await storage.close()
    }

    /// What the data file takes on the disk, and what this process has of memory that is its own.
    private static func tellSizes(_ moment: String, _ folder: String) throws {
        var status = stat()
        guard stat(folder + "/data.mdb", &status) == 0 else { fail("the data file cannot be examined") }
        let megabytes = Int(status.st_blocks) * 512 / (1 << 20)
        let rollup = try String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8)
        let anonymous = rollup.split(separator: "\n").first { $0.hasPrefix("Anonymous:") } ?? "Anonymous: unknown"
        let memory = anonymous.split(separator: " ").dropFirst().joined(separator: " ")
        tell("\(moment): file \(megabytes) MiB, memory \(memory)")
    }
}
#endif
