#if Example
import ArgumentParser
import Foundation

/// Places orders and delivers them over real HTTP.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Place orders, deliver their events to a data platform, and report.",
        discussion: """
            Exits with 0 only if every accepted order is delivered or listed as a dead letter. While the data platform \
            is down the circuit breaker waits for it without spending attempts, for as long as it takes. Its timeout \
            is read from MOCK_DATA_PLATFORM_TIMEOUT_MS (default 3000). SIGINT and SIGTERM end the wait: it reports, and \
            a temporary outbox with something pending stays for 'place-order resume'.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var platform: PlatformOptions
    @OptionGroup var log: LogOptions

    @Option(help: "How many orders to place.")
    var orders = 200

    @Option(help: "How many callers place them at once.")
    var concurrency = 16

    @Option(help: ArgumentHelp("Deliver there instead of to a built-in platform.", valueName: "url"))
    var platformURL: String?

    @Option(help: ArgumentHelp("Append each order's id to this file after its commit.", valueName: "file"))
    var acknowledged: String?

    @Flag(help: "Only place the orders; place-order relay delivers their events.")
    var withoutDelivery = false

    @Flag(help: "Print one JSON object to standard output, and nothing else there.")
    var json = false

    func validate() throws {
        guard orders >= 0 else { throw ValidationError("--orders is not negative.") }
        guard (1...10_000).contains(concurrency) else { throw ValidationError("--concurrency is 1 to 10,000.") }
        try BuiltInPlatform.check(url: platformURL, options: platform)
        try Self.check(store, withoutDelivery: withoutDelivery)
    }

    func run() async throws {
        Output.ignoreBrokenPipes()
        let timeout = try PlatformTimeout.duration()
        let choice = try store.choice()
        let file = try acknowledged.map(AppendOnlyFile.init)
        try await Interruption.bySignals { interruption in
            try await BuiltInPlatform.with(url: platformURL, options: platform, logger: log.logger) { url, stats in
                let run = OrderRun(
                    configuration: Shop.Configuration(
                        storage: choice, destination: .platform(url: url, timeout: timeout), logger: log.logger,
                        lease: store.lease?.duration, delivers: !withoutDelivery, lastingPlatformURL: platformURL,
                        tellsTemporaryStore: !json),
                    orders: orders, concurrency: concurrency, acknowledged: file, platformStats: stats,
                    showsProgress: Output.isTerminal, interruption: interruption)
                try await run().report(asJSON: json)
            }
        }
    }
}

extension ParsableCommand {
    /// Refuses what would leave events where nobody can deliver them.
    static func check(_ store: StoreOptions, withoutDelivery: Bool) throws {
        let choice = try store.choice()
        guard withoutDelivery, choice.isTemporary else { return }
        throw ValidationError(
            "--without-delivery needs a store that another process can open: --store or --database-url.")
    }
}

extension OrderRun.Outcome {
    /// Tells the result on standard output.
    /// - Throws: `ExitCode` 1 for a run that left orders behind.
    func report(asJSON: Bool) throws {
        Output.result(asJSON ? try report.json() : report.summary)
        if !isComplete { throw ExitCode.failure }
    }
}
#endif
