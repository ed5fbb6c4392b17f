#if SQLite
import AfterCommit
import Foundation
import GRDB

/// A row of the user's table with the event it carries.
struct StatusRow {
    let sequence: UInt64
    let state: DeliveryState
    let due: Date?
    let detail: StatusDetail?
    let envelope: Envelope
    /// Whether the event could be made of it.
    let isWhole: Bool
    /// Why the user's function could make none.
    let refusal: String?

    /// - Parameter row: all columns of it.
    init(_ row: Row, _ column: StatusColumn, coder: any EventCoder) {
        let sequence = UInt64(max(0, (row["event_sequence"] as Int64?) ?? 0))
        let due: Double? = row["event_due"]
        let status: String? = row["event_status"]
        self.sequence = sequence
        state =
            switch status {
            case "succeeded": .delivered
            case "failed": .deadLettered
            default: due.map { $0.isInfinite ? .parked : .retrying } ?? (row["event_key"] != nil ? .blocked : .pending)
            }
        self.due = due.flatMap { $0.isInfinite ? nil : Date(timeIntervalSince1970: $0) }
        let detail = (row["event_detail"] as String?).flatMap { try? StatusDetail(decoding: $0) }
        self.detail = detail
        let id = (row["event_id"] as String?).flatMap { EventID($0) }
        let event = Result { try column.rebuild(row) }
        let payload: Envelope.Payload
        switch event {
        case .success(let event):
            payload = .value(event)
            refusal = nil
        case .failure(let error):
            payload = .bytes(Self.bytes(of: row))
            refusal = "\(error)"
        }
        isWhole = if case .success = event { id != nil && detail != nil } else { false }
        envelope = Envelope(
            id: id ?? EventID(high: 0, low: sequence), type: column.type, source: detail?.source ?? "/",
            time: detail?.time ?? Date(timeIntervalSince1970: 0), schemaVersion: column.schemaVersion,
            orderingKey: detail?.orderingKey, headers: detail?.headers ?? [:], contentType: coder.contentType,
            payload: payload)
    }

    var history: DeliveryHistory? { detail?.delivery?.history }

    var claimed: ClaimedDelivery {
        var delivery = ClaimedDelivery(
            sequence: sequence, box: EnvelopeBox(envelope, refusal: refusal), history: history)
        delivery.wasBlocked = state == .blocked
        delivery.isDamaged = !isWhole
        return delivery
    }

    /// The user's own columns, for a person to look at: an object of texts.
    private static func bytes(of row: Row) -> Data {
        let values = row.filter { name, _ in !name.hasPrefix("event_") }
            .map { name, value in (name, value.isNull ? "NULL" : "\(value.storage.value ?? "")") }
        let object = Dictionary(values) { first, _ in first }
        // An object of texts can always be encoded.
        return (try? JSONEncoder().encode(object)) ?? Data()
    }
}
#endif
