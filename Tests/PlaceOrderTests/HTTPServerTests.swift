#if Example
import Foundation
@testable import PlaceOrder
import Testing

@Suite("The HTTP server")
struct HTTPServerTests {
    @Test("says that its port is in use")
    func portInUse() async throws {
        let router = MockDataPlatform().router()
        let first = HTTPServer(router, logger: Fixtures.logger)
        try await withServices([first], logger: Fixtures.logger) {
            let port = try await first.port()
            let error = await #expect(throws: PortInUse.self) {
                try await HTTPServer(router, port: port, logger: Fixtures.logger)
                    .runUntilSignalled(logger: Fixtures.logger) { _ in Issue.record("it listens") }
            }
            #expect(error.map(String.init(describing:)) == "port \(port) is in use; choose another with --port")
        }
    }

    @Test("answers unknown paths and wrong methods with problems")
    func routes() async throws {
        try await withPlatform(MockDataPlatform()) { url in
            let unknown = try await send("GET", url + "/nowhere")
            #expect(unknown.status == 404)
            #expect(unknown.headers["content-type"] == "application/problem+json")
            #expect(unknown.json["instance"] as? String == "/nowhere")

            let refused = try await send("DELETE", url + "/mock/orders")
            #expect(refused.status == 405)
            #expect(refused.headers["content-type"] == "application/problem+json")
            #expect(refused.headers["allow"] == "GET, POST")
            #expect(refused.json["title"] as? String == "Method Not Allowed")

            // What has a body only by rule has none.
            #expect(try await send("HEAD", url + "/nowhere").body.isEmpty)
        }
    }
}
#endif
