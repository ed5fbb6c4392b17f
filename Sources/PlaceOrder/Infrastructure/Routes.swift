#if Example
import HTTPTypes
import Hummingbird

/// Answers what no route takes with problem+json.
struct ProblemMiddleware<Context: RequestContext>: RouterMiddleware {
    @concurrent func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where request.method != .head {
            let detail = error.status == .notFound ? "there is nothing at this path" : error.status.reasonPhrase
            return try Response(Problem(error.status, detail, instance: request.uri.path), headers: error.headers)
        }
    }
}

extension Router {
    /// Refuses the other methods of a path with 405.
    func allowOnly(_ allowed: [HTTPRequest.Method], at path: RouterPath) {
        let list = allowed.map(\.rawValue).joined(separator: ", ")
        let methods: [HTTPRequest.Method] = [.get, .post, .put, .patch, .delete]
        for method in methods where !allowed.contains(method) {
            on(path, method: method) { request, _ in
                var headers = HTTPFields()
                headers[.allow] = list
                let problem = Problem(.methodNotAllowed, "this path takes \(list)", instance: request.uri.path)
                return try Response(problem, headers: headers)
            }
        }
    }
}
#endif
