#if Example
import Foundation
import HTTPTypes
import Hummingbird

extension MockDataPlatform {
    /// The platform's HTTP API.
    nonisolated func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: ProblemMiddleware())
        router.allowOnly([.get, .post], at: "/mock/orders")
        router.allowOnly([.get], at: "/mock/stats")
        router.allowOnly([.get, .put], at: "/mock/knobs")
        router.post("/mock/orders") { request, _ in
            try await Self.answering(request) { try await self.takeEvent(request) }
        }
        router.get("/mock/orders") { _, _ in
            try Response(.ok, json: await self.knownOrders())
        }
        router.get("/mock/stats") { _, _ in
            try Response(.ok, json: await self.stats)
        }
        router.get("/mock/knobs") { _, _ in
            try Response(.ok, json: PlatformKnobsBody(await self.knobs))
        }
        router.put("/mock/knobs") { request, _ in
            try await Self.answering(request) {
                let change = try await request.json(PlatformKnobsBody.self).value
                let knobs = try change.applied(to: await self.knobs)
                await self.set(knobs)
                return try Response(.ok, json: PlatformKnobsBody(knobs))
            }
        }
        return router
    }

    private static func answering(
        _ request: Request, _ body: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await body()
        } catch var problem as Problem {
            problem.instance = problem.instance ?? request.uri.path
            return try Response(problem)
        }
    }

    private nonisolated func takeEvent(_ request: Request) async throws -> Response {
        func header(_ name: String) throws -> String {
            guard let field = HTTPField.Name(name), let value = request.headers[field], !value.isEmpty else {
                throw Problem(.badRequest, "the header \(name) is missing")
            }
            return value
        }
        guard try header("ce-specversion") == "1.0" else {
            throw Problem(.badRequest, "only CloudEvents 1.0 are taken")
        }
        let event = try header("ce-id")
        _ = (try header("ce-source"), try header("ce-type"))
        // A quoted string (RFC 8941); unquoted keys are accepted too.
        let key = try header("idempotency-key").trimmingCharacters(in: ["\""])
        guard !key.isEmpty else { throw Problem(.badRequest, "the header idempotency-key is empty") }
        let (order, payload) = try await request.json(OrderBody.self)

        let answer = try await receive(event: event, order: order.orderID.uuidString, key: key, payload: payload)
        switch answer {
        case .taken:
            return try Response(.ok, json: ["orderID": order.orderID.uuidString])
        case .problem(let status, let retryAfter, let detail):
            var headers = HTTPFields()
            if let retryAfter, let name = HTTPField.Name("retry-after") { headers[name] = "\(retryAfter)" }
            let problem = Problem(HTTPResponse.Status(code: status), detail, instance: request.uri.path)
            return try Response(problem, headers: headers)
        }
    }

    /// What the platform reads of an event's payload.
    private struct OrderBody: Decodable {
        var orderID: UUID
    }
}
#endif
