import Foundation

/// A run of the small program `FaultProbe`, which the tests of faults stop, starve and kill.
package final class Probe: Sendable {
    private let process: ChildProcess
    /// What it tells, line by line.
    package let lines: AsyncStream<String>

    package var id: Int32 { process.id }

    package convenience init(_ arguments: String...) throws { try self.init(arguments) }

    /// - Parameter wrapper: a program and its arguments that run the probe, such as `strace`.
    package init(_ arguments: [String], wrapper: [String] = []) throws {
        process = try ChildProcess(
            wrapper + [try Self.path] + arguments,
            // The search for leaks traces the process itself, which only one can do.
            environment: wrapper.isEmpty ? [:] : ["ASAN_OPTIONS": "detect_leaks=0"])
        let (lines, feed) = AsyncStream<String>.makeStream()
        self.lines = lines
        let file = process.output
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
        process.signal(SIGKILL)
    }

    package func signal(_ signal: Int32) { process.signal(signal) }

    /// Lets a probe end that waits for its input to end.
    package func endInput() throws { try process.input.close() }

    /// Waits until it has told `line`.
    /// - Returns: false if it ended without that.
    package func tells(_ line: String) async -> Bool {
        for await told in lines where told == line { return true }
        return false
    }

    /// All that it still tells until it ends.
    package func rest() async -> [String] {
        var all: [String] = []
        for await line in lines { all.append(line) }
        return all
    }

    package func end() async -> Int32 { await process.end() }

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
