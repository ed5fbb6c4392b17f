package import Foundation

/// What the column `event_detail` says, as JSON: of the envelope what the row has not, and of the delivery what has no column.
package struct StatusDetail: Codable, Sendable {
    package var source: String
    package var time: Date
    package var headers: [String: String]?
    package var orderingKey: String?
    package var delivery: DeliveryDetail?

    package init(_ envelope: Envelope) {
        source = envelope.source
        time = envelope.time
        headers = envelope.headers.isEmpty ? nil : envelope.headers
        orderingKey = envelope.orderingKey
    }

    package init(decoding text: String) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
    }

    package func encoded() throws -> String {
        String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
    }
}
