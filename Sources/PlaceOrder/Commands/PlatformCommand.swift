#if Example
import ArgumentParser
import Logging
import ServiceLifecycle
import UnixSignals

/// The mock data platform alone.
struct PlatformCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "platform", abstract: "Run the mock data platform until SIGTERM or SIGINT.")

    @OptionGroup var platform: PlatformOptions
    @OptionGroup var log: LogOptions

    @Option(help: "The port on loopback; 0 for any that is free.")
    var port = 8081

    @Option(help: ArgumentHelp("Append 'event-id order-id' for each event taken.", valueName: "file"))
    var ledger: String?

    @Flag(help: "Answer everything with 429.")
    var tooManyRequests = false

    @Option(help: ArgumentHelp("The Retry-After of 429 and 503.", valueName: "seconds"))
    var retryAfter: Int?

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port is 0 to 65535.") }
        guard retryAfter.map((0...86_400).contains) ?? true else {
            throw ValidationError("--retry-after is 0 to 86400.")
        }
    }

    func run() async throws {
        Output.ignoreBrokenPipes()
        var knobs = platform.knobs
        knobs.tooManyRequests = tooManyRequests
        knobs.retryAfter = retryAfter
        let mock = MockDataPlatform(knobs: knobs, ledger: try ledger.map(AppendOnlyFile.init))
        try await HTTPServer(mock.router(), port: port, logger: log.logger).runUntilSignalled(logger: log.logger) {
            Output.note("data platform listens on http://127.0.0.1:\($0)")
        }
    }
}
#endif
