#if Postgres
import AfterCommit
import Foundation

/// A row of the user's table with the event it carries.
struct StatusRow: Sendable {
    let sequence: UInt64
    let state: DeliveryState
    let due: Date?
    let detail: StatusDetail?
    private(set) var envelope: Envelope
    /// Whether the event could be made of it.
    let isWhole: Bool
    /// Why the user's function could make none.
    let refusal: String?

    /// What a row that is parked is due at.
    private static let infinity = PostgresType.date(.max)

    /// - Parameter row: all columns of it.
    init(_ row: PostgresRow, _ column: StatusColumn, coder: any EventCoder) throws {
        let sequence = UInt64(clamping: try row.optionalInt64(try row.column("event_sequence")) ?? 0)
        let due = try row.optionalTimestamp(try row.column("event_due"))
        let isBlocked = try row.optionalText(try row.column("event_key")) != nil
        self.sequence = sequence
        state =
            switch try row.optionalText(try row.column("event_status")) {
            case "succeeded": .delivered
            case "failed": .deadLettered
            default: due.map { $0 >= Self.infinity ? .parked : .retrying } ?? (isBlocked ? .blocked : .pending)
            }
        self.due = due.flatMap { $0 >= Self.infinity ? nil : $0 }
        let text = try row.optionalText(try row.column("event_detail"))
        // What cannot be read is handed out as damaged.
        let detail = text.flatMap { try? StatusDetail(decoding: $0) }
        self.detail = detail
        let id = try row.optionalUUID(try row.column("event_id")).map { EventID($0) }
        let payload: Envelope.Payload
        switch Result(catching: { try column.rebuild(row) }) {
        case .success(let event):
            payload = .value(event)
            refusal = nil
            isWhole = id != nil && detail != nil
        case .failure(let error):
            payload = .bytes(Data())
            refusal = "\(error)"
            isWhole = false
        }
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

    /// The user's own columns in place of an event, for a person to look at.
    fileprivate mutating func show(_ columns: String) {
        envelope.payload = .bytes(Data(columns.utf8))
    }
}

/// Reads rows with their events.
struct StatusRows: Sendable {
    let column: StatusColumn
    let statement: StatusColumnStatement
    let coder: any EventCoder

    func read(_ sql: String, _ parameters: [PostgresValue], in session: PostgresSession) throws -> [StatusRow] {
        try read(try session.execute(sql, parameters), in: session)
    }

    func read(_ result: PostgresResult, in session: PostgresSession) throws -> [StatusRow] {
        var rows = try result.map { try StatusRow($0, column, coder: coder) }
        let refused = rows.filter { $0.refusal != nil }.map(\.sequence)
        guard !refused.isEmpty else { return rows }
        let shown = try session.execute(statement.ownColumns, [.int64s(refused.signed)]).map {
            (UInt64(bitPattern: try $0.int64(0)), try $0.text(1))
        }
        let columns = Dictionary(shown, uniquingKeysWith: { first, _ in first })
        for index in rows.indices where rows[index].refusal != nil {
            if let text = columns[rows[index].sequence] { rows[index].show(text) }
        }
        return rows
    }
}
#endif
