#if Example
import Foundation
import HTTPTypes
import Hummingbird

/// An error as HTTP tells it: RFC 9457, `application/problem+json`.
struct Problem: Codable, Error {
    var type = "about:blank"
    var title: String
    var status: Int
    var detail: String
    var instance: String?

    init(_ status: HTTPResponse.Status, _ detail: String, instance: String? = nil) {
        title = status.reasonPhrase
        self.status = status.code
        self.detail = detail
        self.instance = instance
    }
}

extension Response {
    /// An answer in JSON.
    init(_ status: HTTPResponse.Status, json value: some Encodable, headers: HTTPFields = [:]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var headers = headers
        headers[.contentType] = headers[.contentType] ?? "application/json"
        self.init(
            status: status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try encoder.encode(value))))
    }

    init(_ problem: Problem, headers: HTTPFields = [:]) throws {
        var headers = headers
        headers[.contentType] = "application/problem+json"
        try self.init(HTTPResponse.Status(code: problem.status), json: problem, headers: headers)
    }
}

extension Request {
    /// The body as JSON.
    /// - Throws: ``Problem`` 413 for a body over 64 KiB, 400 for one that is not of the type.
    func json<T: Decodable>(_ type: T.Type) async throws -> (value: T, bytes: Data) {
        let bytes: Data
        do {
            let body = try await body.collect(upTo: 65_536)
            bytes = Data(body.readableBytesView)
        } catch {
            throw Problem(.contentTooLarge, "the body must not be larger than 64 KiB", instance: uri.path)
        }
        do {
            return (try JSONDecoder().decode(type, from: bytes), bytes)
        } catch {
            throw Problem(.badRequest, "the body is not the JSON that was expected", instance: uri.path)
        }
    }
}
#endif
