#if Example
import AfterCommit
import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// Delivers apart from the shop.
struct RelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay", abstract: "Deliver what shops store, until SIGTERM or SIGINT.",
        discussion: """
            Shops that run with --without-delivery leave delivery to it. From LMDB and SQLite one process delivers, on the \
            shop's own server; from an outbox in PostgreSQL as many relays as you like, on any server. With --to and --broker \
            events go to a broker, from where place-order consumer takes them.
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var broker: BrokerOptions<To>
    @OptionGroup var platform: PlatformOptions
    @OptionGroup var log: LogOptions

    @Option(help: ArgumentHelp("Deliver there instead of to a built-in platform.", valueName: "url"))
    var platformURL: String?

    @Flag(help: "Print one JSON object to standard output when it ends, and nothing else there.")
    var json = false

    func validate() throws {
        _ = try store.sharedChoice()
        guard try broker.optionalChoice() == nil || platformURL == nil && platform.knobs == PlatformOptions.defaultKnobs
        else { throw ValidationError("--to is instead of a platform: leave out --platform-url and what it has.") }
        try BuiltInPlatform.check(url: platformURL, options: platform)
    }

    func run() async throws {
        Output.ignoreBrokenPipes()
        let timeout = try PlatformTimeout.duration()
        if let broker = try broker.optionalChoice() {
            return try await deliver(to: .broker(broker), named: broker.kind.rawValue)
        }
        try await BuiltInPlatform.with(url: platformURL, options: platform, logger: log.logger) { url, _ in
            try await deliver(to: .platform(url: url, timeout: timeout), named: url)
        }
    }

    private func deliver(to destination: Destination, named name: String) async throws {
        let logger = log.logger
        let configuration = Shop.Configuration(
            storage: try store.sharedChoice(), destination: destination, logger: logger, lease: store.lease?.duration)
        try await Shop.withShop(configuration, latencyFrom: .attempt, stopwatch: Stopwatch()) { shop in
            let group = ServiceGroup(
                configuration: .init(
                    services: shop.services.map { .init(service: $0) },
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger.quiet))
            Output.note("relay delivers to \(name)")
            try await group.run()
            for status in try await shop.engine?.status() ?? [] {
                let report = RelayReport(status)
                Output.result(json ? try report.json() : report.summary)
            }
        }
    }
}

/// What a relay did.
struct RelayReport: Codable, Sendable, Equatable {
    var delivered: Int
    var attempts: Int
    var deadLettered: Int
    /// Outcomes that came too late and were refused.
    var staleSettles: Int
    /// Deliveries that other relays got, because this one did not renew its leases in time.
    var lostLeases: Int

    init(_ status: SubscriptionStatus) {
        delivered = status.totals.delivered
        attempts = status.totals.attempts
        deadLettered = status.totals.deadLettered
        staleSettles = status.totals.staleSettles
        lostLeases = status.totals.lostLeases
    }

    /// One JSON object on one line.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// For people.
    var summary: String {
        "\(delivered) delivered in \(attempts) attempts, \(deadLettered) dead letters; \(staleSettles) late outcomes refused, "
            + "\(lostLeases) deliveries lost to other relays"
    }
}
#endif
