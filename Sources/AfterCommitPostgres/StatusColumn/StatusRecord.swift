#if Postgres
import AfterCommit
import Foundation

/// What is written to a row whose delivery is not simply done: one of the many that a statement takes as JSON.
struct StatusRecord: Encodable {
    var sequence: UInt64
    var status = "pending"
    /// Seconds since 1970.
    var due: Double?
    var parked = false
    /// The ordering key of one that waits behind it.
    var key: String?
    var attempts = 0
    var error: String?
    var detail: StatusDetail

    init(_ settlement: Settlement) {
        let envelope = settlement.delivery.envelope
        sequence = settlement.delivery.sequence
        detail = StatusDetail(envelope)
        detail.delivery = DeliveryDetail(settlement)
        switch settlement.outcome {
        case .retrying(let date, _): due = date.timeIntervalSince1970
        case .blocked: key = envelope.orderingKey
        case .parked: parked = true
        case .deadLettered: status = "failed"
        }
        attempts = detail.delivery?.history?.attempts ?? 0
        error = detail.delivery?.history?.failures.last?.message
    }

    /// A dead letter that is put back.
    init(redriving row: StatusRow, now: Date) {
        sequence = row.sequence
        due = now.timeIntervalSince1970
        detail = row.detail ?? StatusDetail(row.envelope)
        detail.delivery = DeliveryDetail(history: (row.history ?? DeliveryHistory()).redriven)
    }

    /// All of them as one JSON array; `nil` for none.
    static func json(_ records: [Self]) throws -> String? {
        guard !records.isEmpty else { return nil }
        // PostgreSQL keeps no NUL in its JSON, and an error's text may have one.
        return String(decoding: try JSONEncoder().encode(records), as: UTF8.self)
            .replacing("\\u0000", with: "\\ufffd")
    }
}
#endif
