#if Example
import AfterCommit
import Foundation
import Hummingbird
import Logging

/// What a data platform tells that takes events from a broker.
struct PlatformAPI: Sendable {
    let storage: any PlatformStorage
    let engine: EventEngine
    let consumer: EventConsumer
    let logger: Logger

    /// The chain's end, in numbers.
    struct Counts: Codable, Sendable, Equatable {
        /// Orders in its storage.
        var orders: Int
        /// What its consumer did since this process began.
        var consumer: ConsumerTotals
        /// Events that wait for their handler.
        var pending: Int
        /// Events whose handler gave up, and messages that are no events.
        var deadLetters: Int
    }

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: ProblemMiddleware())
        router.allowOnly([.get], at: "/mock/orders")
        router.get("/mock/orders") { request, _ in
            do {
                return try Response(.ok, json: try await counts())
            } catch {
                logger.error("request failed", metadata: ["error.message": "\(error)"])
                return try Response(
                    Problem(.serviceUnavailable, "the storage cannot be asked now", instance: request.uri.path))
            }
        }
        return router
    }

    func counts() async throws -> Counts {
        let status = try await engine.status()
        return Counts(
            orders: try await storage.knownOrderCount(), consumer: await consumer.totals,
            pending: status.map(\.counts.undelivered).reduce(0, +),
            deadLetters: status.map(\.counts.deadLettered).reduce(0, +))
    }
}
#endif
