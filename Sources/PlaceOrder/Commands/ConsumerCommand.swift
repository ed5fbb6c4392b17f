#if Example
import AfterCommit
import ArgumentParser
import Foundation
import Logging

/// The data platform, behind a broker.
struct ConsumerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consumer",
        abstract: "Run a data platform that takes events from a broker, until SIGTERM or SIGINT.",
        discussion: """
            It stores what it takes in its own database, each event once, and its engine writes the orders from there. \
            GET /mock/orders counts them. It may be killed at any time, and several may run on one PostgreSQL.
            """)

    @OptionGroup var broker: BrokerOptions<From>
    @OptionGroup var store: StoreOptions
    @OptionGroup var log: LogOptions

    @Option(help: "The port on loopback; 0 for any that is free.")
    var port = 8082

    @Option(help: ArgumentHelp("How many messages may be out at once.", valueName: "messages"))
    var prefetch = 1_000

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port is 0 to 65535.") }
        guard (1...65_535).contains(prefetch) else { throw ValidationError("--prefetch is 1 to 65535.") }
        guard store.storage != .status else {
            throw ValidationError(
                "A status column takes no events from elsewhere: use --storage outbox, or leave it out.")
        }
        guard try !choice().isTemporary else {
            throw ValidationError(
                "What it takes is the broker's no more, so it needs a store that stays: --store or --database-url.")
        }
    }

    private func choice() throws -> StorageChoice { try store.choice(orWith: .outbox) }

    func run() async throws {
        Output.ignoreBrokenPipes()
        let logger = log.logger
        let broker = try broker.choice()
        let source = try broker.source(prefetch: prefetch, logger: logger)
        let store = try await OpenStore(try choice(), lease: store.lease?.duration, logger: logger)
        let result: Result<Void, any Error>
        do {
            result = .success(try await serve(store.platform, source, broker, logger))
        } catch {
            result = .failure(error)
        }
        await store.close()
        try result.get()
    }

    private func serve(
        _ storage: any PlatformStorage, _ source: any EventSource, _ broker: BrokerChoice, _ logger: Logger
    ) async throws {
        let consumer = try EventConsumer(
            "shop-events", from: source, into: storage, logger: logger,
            configuration: ConsumerConfiguration(eventTypePrefix: BrokerChoice.naming.typePrefix))
        let engine = try await EventEngine(
            storage: storage, logger: logger, subscriptions: [storage.knownOrders, consumer.unreadable])
        let api = PlatformAPI(storage: storage, engine: engine, consumer: consumer, logger: logger)
        try await HTTPServer(api.router(), port: port, logger: logger)
            .runUntilSignalled(with: [engine, consumer], logger: logger) {
                Output.note(
                    "data platform listens on http://127.0.0.1:\($0), takes events from \(broker.kind.rawValue)")
            }
    }
}
#endif
