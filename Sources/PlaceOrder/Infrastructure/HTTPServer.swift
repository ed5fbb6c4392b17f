#if Example
import Foundation
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// An HTTP server on loopback that tells its port once it listens.
struct HTTPServer: Service {
    private let responder: RouterResponder<BasicRequestContext>
    private let requestedPort: Int
    private let logger: Logger
    private let ports: AsyncStream<Int>
    private let portFeed: AsyncStream<Int>.Continuation

    /// - Parameter port: 0 for any that is free.
    init(_ router: Router<BasicRequestContext>, port: Int = 0, logger: Logger) {
        responder = router.buildResponder()
        requestedPort = port
        self.logger = logger
        (ports, portFeed) = AsyncStream.makeStream()
    }

    func run() async throws {
        // Whoever waits for the port must not wait for ever when the server cannot start.
        defer { portFeed.finish() }
        let application = Application(
            responder: responder,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: requestedPort)),
            onServerRunning: { channel in
                if let port = channel.localAddress?.port { portFeed.yield(port) }
            },
            logger: logger.quiet)
        do {
            try await application.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw PortInUse(port: requestedPort)
        }
    }

    /// The port it listens on, once it does. Ask once.
    /// - Throws: `CancellationError` where it ended before it listened.
    func port() async throws -> Int {
        for await port in ports { return port }
        throw CancellationError()
    }
}

/// Another process listens on the port.
struct PortInUse: Error, CustomStringConvertible {
    let port: Int

    var description: String { "port \(port) is in use; choose another with --port" }
}

extension HTTPServer {
    /// Serves until SIGTERM or SIGINT, beside other services that start before it and end after it.
    func runUntilSignalled(
        with others: [any Service] = [], logger: Logger, onListening: @Sendable (Int) -> Void
    ) async throws {
        let group = ServiceGroup(
            configuration: .init(
                services: (others + [self]).map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger.quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            // No port means that the group says why it could not start.
            if let port = try? await port() { onListening(port) }
            try await tasks.waitForAll()
        }
    }
}

extension Logger {
    /// The same without what servers and service groups tell of their ordinary life.
    var quiet: Logger {
        var quiet = self
        quiet.logLevel = max(logLevel, .warning)
        return quiet
    }
}

/// Runs services for as long as `body` takes, then ends them gracefully.
func withServices<R: Sendable>(
    _ services: [any Service], logger: Logger, _ body: () async throws -> R
) async throws -> R {
    let group = ServiceGroup(
        configuration: .init(services: services.map { .init(service: $0) }, logger: logger.quiet))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let result: Result<R, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        await group.triggerGracefulShutdown()
        // A service's own failure says more than what it did to the body.
        try await tasks.waitForAll()
        return try result.get()
    }
}
#endif
