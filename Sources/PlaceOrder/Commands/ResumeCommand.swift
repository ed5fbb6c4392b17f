#if Example
import AfterCommit
import ArgumentParser
import Foundation

/// Delivers what an earlier process left behind.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Deliver what is pending in a store, and report as run does.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var log: LogOptions

    @Option(help: ArgumentHelp("The data platform.", valueName: "url"))
    var platformURL: String?

    @OptionGroup var platform: PlatformOptions

    @Flag(help: "Print one JSON object to standard output, and nothing else there.")
    var json = false

    func validate() throws {
        _ = try store.sharedChoice()
        try BuiltInPlatform.check(url: platformURL, options: platform)
    }

    func run() async throws {
        Output.ignoreBrokenPipes()
        let timeout = try PlatformTimeout.duration()
        let choice = try store.sharedChoice()
        try await Interruption.bySignals { interruption in
            try await BuiltInPlatform.with(url: platformURL, options: platform, logger: log.logger) { url, stats in
                let run = OrderRun(
                    configuration: Shop.Configuration(
                        storage: choice, destination: .platform(url: url, timeout: timeout), logger: log.logger,
                        lease: store.lease?.duration, lastingPlatformURL: platformURL),
                    orders: nil, platformStats: stats, showsProgress: Output.isTerminal, interruption: interruption)
                try await run().report(asJSON: json)
            }
        }
    }
}
#endif
