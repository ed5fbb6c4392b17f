#if Example
import ArgumentParser
import Logging

/// The shop's HTTP API.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the shop's HTTP API until SIGTERM or SIGINT.",
        discussion: """
            POST /orders takes an order, GET /orders/{id} shows it with the state of its delivery:

              curl -d '{"customer":"ada","lines":[{"article":"tea","quantity":2,"unitPrice":3.5}]}' \
            http://127.0.0.1:8080/orders
            """)

    @OptionGroup var store: StoreOptions
    @OptionGroup var platform: PlatformOptions
    @OptionGroup var log: LogOptions

    @Option(help: "The port on loopback; 0 for any that is free.")
    var port = 8080

    @Option(help: ArgumentHelp("Deliver there instead of to a built-in platform.", valueName: "url"))
    var platformURL: String?

    @Flag(help: "Only take orders; place-order relay delivers their events.")
    var withoutDelivery = false

    func validate() throws {
        try Self.check(store, withoutDelivery: withoutDelivery)
        guard (0...65_535).contains(port) else { throw ValidationError("--port is 0 to 65535.") }
        try BuiltInPlatform.check(url: platformURL, options: platform)
    }

    func run() async throws {
        Output.ignoreBrokenPipes()
        let logger = log.logger
        let timeout = try PlatformTimeout.duration()
        try await BuiltInPlatform.with(url: platformURL, options: platform, logger: logger) { url, _ in
            let configuration = Shop.Configuration(
                storage: try store.choice(), destination: .platform(url: url, timeout: timeout), logger: logger,
                lease: store.lease?.duration, delivers: !withoutDelivery, lastingPlatformURL: platformURL,
                tellsTemporaryStore: true)
            try await Shop.withShop(configuration, stopwatch: Stopwatch()) { shop in
                let server = HTTPServer(ShopAPI(shop: shop, logger: logger).router(), port: port, logger: logger)
                try await server.runUntilSignalled(with: shop.services, logger: logger) {
                    let delivery = withoutDelivery ? "leaves delivery to a relay" : "delivers to \(url)"
                    Output.note("shop listens on http://127.0.0.1:\($0), \(delivery)")
                }
            }
        }
    }
}
#endif
