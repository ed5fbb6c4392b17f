#if HTTP
import AfterCommit
import AfterCommitHTTP
import AsyncHTTPClient
import Foundation
import NIOHTTP1
import Testing

@Suite("What an answer means")
struct OutcomeTests {
    @Test("2xx is delivered", arguments: [200, 201, 202, 204])
    func delivered(status: Int) async throws {
        #expect(try await outcome(of: .answer(.init(statusCode: status))) == nil)
    }

    @Test("trouble that may pass is tried again", arguments: [408, 425, 429, 500, 502, 503, 504, 599])
    func transient(status: Int) async throws {
        #expect(try await outcome(of: .answer(.init(statusCode: status)))?.summary == "http.\(status)")
    }

    @Test(
        "everything else is permanent, redirects too",
        arguments: [300, 301, 302, 303, 304, 307, 308, 400, 401, 404, 409, 410, 422])
    func permanent(status: Int) async throws {
        let error = try await outcome(of: .answer(.init(statusCode: status), headers: [("location", "/elsewhere")]))
        #expect(error?.summary == "permanent http.\(status)")
    }

    @Test("the status is kept for the dead letter")
    func status() async throws {
        let error = try #require(try await outcome(of: .answer(.serviceUnavailable)) as? HTTPDeliveryError)
        #expect(error.failureStatus == 503)
        #expect(error.description == "127.0.0.1 answered with status 503")
    }

    @Test("410 Gone asks for a pause of the endpoint, nothing else does")
    func gone() async throws {
        func asks(_ status: Int) async throws -> Bool? {
            let outcome = try await outcome(of: .answer(.init(statusCode: status))) as? HandlerOutcome
            guard case .permanent(let error)? = outcome?.kind else { return nil }
            return (error as? any EndpointPausing)?.pausesEndpoint
        }
        #expect(try await asks(410) == true)
        #expect(try await asks(404) == false)
    }

    @Test("a connection that ends without an answer is tried again")
    func hangUp() async throws {
        #expect(try await outcome(of: .hangUp)?.summary == "connection")
    }

    @Test("a client that was shut down before the engine is a failed attempt, not the event's fault")
    func clientShutDown() async throws {
        let client = HTTPDeliveryClient()
        try await client.shutdown()
        #expect(try await client.outcome(url: "http://127.0.0.1:9/")?.summary == "connection")
        await #expect(throws: HTTPClientError.alreadyShutdown) { try await client.shutdown() }
    }
}
#endif
