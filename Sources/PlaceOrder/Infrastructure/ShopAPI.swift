#if Example
import AfterCommit
import Foundation
import HTTPTypes
import Hummingbird
import Logging

/// The shop's HTTP API: `POST /orders` and `GET /orders/{id}`.
struct ShopAPI: Sendable {
    let shop: Shop
    let logger: Logger

    /// An order and how far its event has come.
    struct OrderView: Codable {
        var order: Order
        /// `nil` where the storage's history no longer has the event.
        var delivery: Delivery?

        struct Delivery: Codable {
            var event: String
            var state: DeliveryState
            var failedAttempts: Int
            var lastError: String?
        }
    }

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: ProblemMiddleware())
        router.allowOnly([.post], at: "/orders")
        router.allowOnly([.get], at: "/orders/:id")
        router.post("/orders") { request, _ in
            try await answering(request) {
                let order = try await shop.placeOrder(try await request.json(OrderRequest.self).value)
                var headers = HTTPFields()
                headers[.location] = "/orders/\(order.id.uuidString)"
                return try Response(.created, json: order, headers: headers)
            }
        }
        router.get("/orders/:id") { request, context in
            try await answering(request) {
                guard let id = context.parameters.get("id", as: UUID.self),
                    let order = try await shop.orders.order(id)
                else { throw Problem(.notFound, "there is no such order") }
                return try Response(.ok, json: OrderView(order: order, delivery: try await delivery(of: order)))
            }
        }
        return router
    }

    private func delivery(of order: Order) async throws -> OrderView.Delivery? {
        let query = DeliveryQuery(
            subscription: DataPlatformMessaging.subscriptionName, orderingKey: order.id.uuidString, limit: 1)
        return try await shop.orders.deliveries(query).first.map { record in
            OrderView.Delivery(
                event: record.envelope.id.description, state: record.state,
                failedAttempts: record.history.failures.count, lastError: record.history.failures.last?.errorType)
        }
    }

    /// Turns what can go wrong into problem+json. The data platform is not among it: its failures fail no order.
    private func answering(_ request: Request, _ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch var problem as Problem {
            problem.instance = problem.instance ?? request.uri.path
            return try Response(problem)
        } catch let error as OrderRejection {
            return try Response(Problem(.unprocessableContent, error.description, instance: request.uri.path))
        } catch let error as StorageError where error.code == .storageFull {
            let problem = Problem(.serviceUnavailable, "the shop takes no orders now", instance: request.uri.path)
            var headers = HTTPFields()
            if let name = HTTPField.Name("retry-after") { headers[name] = "5" }
            return try Response(problem, headers: headers)
        } catch {
            logger.error("request failed", metadata: ["error.message": "\(error)"])
            return try Response(
                Problem(.internalServerError, "the order could not be handled", instance: request.uri.path))
        }
    }
}
#endif
