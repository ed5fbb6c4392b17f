#if LMDB
import Foundation

/// What a process of its own takes while it emits and settles in front of a backlog.
///
/// It is `Anonymous` of `/proc/self/smaps_rollup`: the private pages that no file is behind, clean or dirty. LMDB's map is
/// the file itself, clean pages of the system's cache, and is not counted.
enum MemoryUse {
    private static let field = "Anonymous:"

    /// Starts this program again, for one store.
    /// - Returns: MiB.
    static func ofProcess(storeAt path: String) throws -> Double {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--memory-of", path]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0,
            let kibibytes = Double(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw BenchmarkError("the process whose memory is measured failed: \(text)") }
        return kibibytes / 1_024
    }

    /// Prints this process's own, in KiB, when it has emitted and settled.
    static func printOwn(storeAt path: String) async throws {
        _ = try await BacklogRun.measure(storeAt: URL(fileURLWithPath: path)) {
            let rollup = try String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8)
            guard let line = rollup.split(separator: "\n").first(where: { $0.hasPrefix(field) }),
                let kibibytes = line.dropFirst(field.count).split(separator: " ").first
            else { throw BenchmarkError("smaps_rollup has no \(field)") }
            print(kibibytes)
        }
    }
}
#endif
