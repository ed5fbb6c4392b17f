package import Foundation

/// What a row keeps of a delivery beside its state, as JSON: the column can grow without a migration.
package struct DeliveryDetail: Codable, Sendable, Hashable {
    package var history: DeliveryHistory?
    /// Of a dead letter.
    package var reason: DeadLetter.Reason?
    package var deadSince: Date?
    package var blocksKey: Bool?

    package init(
        history: DeliveryHistory? = nil, reason: DeadLetter.Reason? = nil, deadSince: Date? = nil,
        blocksKey: Bool? = nil
    ) {
        self.history = history
        self.reason = reason
        self.deadSince = deadSince
        self.blocksKey = blocksKey
    }

    /// What is to be kept of an outcome; `nil` where it is nothing.
    package init?(_ settlement: Settlement) {
        switch settlement.outcome {
        case .retrying(_, let history), .parked(let history): self.init(history: history)
        case .blocked:
            guard let history = settlement.delivery.history else { return nil }
            self.init(history: history)
        case .deadLettered(let letter):
            self.init(
                history: letter.history, reason: letter.reason, deadSince: letter.deadSince,
                blocksKey: letter.blocksKey)
        }
    }

    /// The dead letter that it is part of.
    package func deadLetter(_ id: DeliveryID, _ envelope: Envelope) -> DeadLetter {
        DeadLetter(
            id: id, envelope: envelope, reason: reason ?? .malformed, history: history ?? DeliveryHistory(),
            deadSince: deadSince ?? envelope.time, blocksKey: blocksKey ?? false)
    }

    package func encoded() throws -> Data { try JSONEncoder().encode(self) }

    package init(decoding bytes: Data) throws {
        self = try JSONDecoder().decode(Self.self, from: bytes)
    }
}
