#if LMDB
import Foundation
import Testing

/// A run of the small program `FaultProbe`, which the tests of faults stop, starve and kill.
final class Probe: @unchecked Sendable {
    // Unchecked: the process is started by the initialiser and only asked for its id and its end after that.
    private let process = Process()
    private let status: AsyncStream<Int32>
    private let input = Pipe()
    /// What it tells, line by line.
    let lines: AsyncStream<String>

    var id: Int32 { process.processIdentifier }

    convenience init(_ arguments: String...) throws { try self.init(arguments) }

    /// - Parameter wrapper: a program and its arguments that run the probe, such as `strace`.
    init(_ arguments: [String], wrapper: [String] = []) throws {
        let command = wrapper + [try Self.path] + arguments
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        if !wrapper.isEmpty {
            // The search for leaks traces the process itself, which only one can do.
            process.environment = ProcessInfo.processInfo.environment
                .merging(["ASAN_OPTIONS": "detect_leaks=0"]) { $1 }
        }
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = input
        let (status, ending) = AsyncStream<Int32>.makeStream()
        self.status = status
        process.terminationHandler = { process in
            ending.yield(process.terminationStatus)
            ending.finish()
        }
        let (lines, feed) = AsyncStream<String>.makeStream()
        self.lines = lines
        try process.run()
        let file = output.fileHandleForReading
        Thread {
            var rest = Data()
            while true {
                let bytes = file.availableData
                if bytes.isEmpty { break }
                rest += bytes
                while let end = rest.firstIndex(of: 10) {
                    feed.yield(String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
                    rest.removeSubrange(rest.startIndex...end)
                }
            }
            feed.finish()
        }.start()
    }

    deinit {
        // One that a failed test has left behind, stopped perhaps.
        if process.isRunning { kill(id, SIGKILL) }
    }

    func signal(_ signal: Int32) { kill(id, signal) }

    /// Lets a probe end that waits for its input to end.
    func endInput() throws { try input.fileHandleForWriting.close() }

    /// Waits until it has told `line`.
    /// - Returns: false if it ended without that.
    func tells(_ line: String) async -> Bool {
        for await told in lines where told == line { return true }
        return false
    }

    /// All that it still tells until it ends.
    func rest() async -> [String] {
        var all: [String] = []
        for await line in lines { all.append(line) }
        return all
    }

    func end() async -> Int32 {
        for await status in status { return status }
        return -1
    }

    /// It is built beside the tests.
    private static var path: String {
        get throws {
            let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            for place in [tests, bundle, Bundle.main.bundleURL] {
                for folder in [place, place.deletingLastPathComponent()] {
                    let path = folder.appendingPathComponent("FaultProbe").path
                    if FileManager.default.isExecutableFile(atPath: path) { return path }
                }
            }
            throw ProbeIsMissing(searched: tests.path)
        }
    }
}

struct ProbeIsMissing: Error {
    let searched: String
}

/// Waits for a condition that another process or thread brings about; the test's time limit ends it.
func eventually(_ condition: () async throws -> Bool) async throws {
    while !(try await condition()) {
        try Task.checkCancellation()
        try await Task.sleep(for: .milliseconds(2))
    }
}
#endif
