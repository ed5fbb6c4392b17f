#if Postgres
import AfterCommit
import Foundation

/// Reads what `outbox_events` has of an event. Anybody may have inserted it, so some of it may be no event's.
struct StoredEnvelope {
    let envelope: Envelope
    /// Whether something in it cannot be read: it is handed out as damaged, never dropped.
    let isDamaged: Bool
    /// Whether somebody has deleted it.
    let isGone: Bool

    /// - Parameter first: the index of the first of ``OutboxStatement/envelope(_:keyOf:)``.
    init(_ row: PostgresRow, from first: Int) throws {
        guard let id = try row.optionalUUID(first) else {
            envelope = Envelope(
                id: Self.noID, type: "", source: "/", time: Date(timeIntervalSince1970: 0),
                orderingKey: try row.optionalText(first + 5), payload: .bytes(Data()))
            (isDamaged, isGone) = (false, true)
            return
        }
        var isDamaged = false
        var headers: [String: String] = [:]
        let text = try row.text(first + 6)
        if text != "{}" {
            do {
                headers = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
            } catch is DecodingError {
                isDamaged = true
            }
        }
        let payload = try row.optionalText(first + 8).map { Data($0.utf8) } ?? row.optionalBytes(first + 9)
        envelope = Envelope(
            id: EventID(id), type: EventType(rawValue: try row.text(first + 1)),
            source: try row.text(first + 2), time: try row.timestamp(first + 3),
            schemaVersion: Int(try row.int32(first + 4)), orderingKey: try row.optionalText(first + 5),
            headers: headers, contentType: try row.text(first + 7), payload: .bytes(payload ?? Data()))
        self.isDamaged = isDamaged
        isGone = false
    }

    /// RFC 9562, the nil UUID.
    private static let noID = EventID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
}

/// A delivery as `outbox_claim` and the listings have it: sequence, state, attempts, replays, spent, failures, envelope.
struct StoredDelivery {
    let sequence: UInt64
    let state: OutboxState
    let history: DeliveryHistory?
    let envelope: Envelope
    let isDamaged: Bool
    let isGone: Bool

    init(_ row: PostgresRow) throws {
        sequence = UInt64(bitPattern: try row.int64(0))
        let name = try row.text(1)
        guard let state = OutboxState(rawValue: name) else {
            throw StorageError(
                .corrupted, "a delivery has the state \(name.debugDescription), which this version does not know")
        }
        self.state = state
        let (history, isHistoryDamaged) = try Self.history(row)
        self.history = history
        let stored = try StoredEnvelope(row, from: 6)
        envelope = stored.envelope
        isDamaged = stored.isDamaged || isHistoryDamaged
        isGone = stored.isGone
    }

    private static func history(_ row: PostgresRow) throws -> (DeliveryHistory?, isDamaged: Bool) {
        var history = DeliveryHistory(
            attempts: Int(try row.int32(2)), replayCount: Int(try row.int32(3)), spent: try row.double(4))
        guard let text = try row.optionalText(5) else {
            return (history == DeliveryHistory() ? nil : history, false)
        }
        do {
            history.failures = try JSONDecoder().decode([AttemptFailure].self, from: Data(text.utf8))
            return (history, false)
        } catch is DecodingError {
            return (history, true)
        }
    }

    var claimed: ClaimedDelivery {
        var delivery = ClaimedDelivery(sequence: sequence, envelope: envelope, history: history)
        delivery.wasBlocked = state == .blocked
        delivery.isDamaged = isDamaged
        delivery.isGone = isGone
        return delivery
    }
}
#endif
