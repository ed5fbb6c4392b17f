public import AfterCommit
import Foundation

/// What the cases emit. A storage whose events are rebuilt from rows is told here which row, and how.
public struct ConformanceEvent: Event, Hashable {
    public static let type: EventType = "conformance.numbered"
    public var number: Int
    public var key: String?
    public var padding: String
    /// Tells two events of one number apart.
    public var copy: Int
    public var orderingKey: String? { key }

    /// Cases store bytes of their own, which say no more than they must.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        number = try values.decode(Int.self, forKey: .number)
        key = try values.decodeIfPresent(String.self, forKey: .key)
        padding = try values.decode(String.self, forKey: .padding)
        copy = try values.decodeIfPresent(Int.self, forKey: .copy) ?? 0
    }

    public init(number: Int, key: String? = nil, padding: String = "", copy: Int = 0) {
        self.number = number
        self.key = key
        self.padding = padding
        self.copy = copy
    }
}

extension ConformanceEvent {
    /// What the keys of rows begin with that events are rebuilt from.
    public static let rowPrefix = "event/"

    /// The key of the row that a status column keeps the event with.
    public var rowKey: String { "\(Self.rowPrefix)\(number)/\(copy)" }

    /// What the row says: this event as JSON.
    public var rowText: String {
        get throws { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
    }

    /// The event of a row.
    /// - Throws: `DecodingError` for a row that is no event's.
    public init(rowText: String) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(rowText.utf8))
    }
}
