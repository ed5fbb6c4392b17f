/// Which event types a subscription handles: one name (`order.placed`), all below a prefix (`order.*`), or all (`*`).
///
/// `order.*` matches `order.placed` and `order.line.added`, and not `order` itself.
public struct EventTypePattern: RawRepresentable, Hashable, Sendable, Codable, ExpressibleByStringLiteral,
    CustomStringConvertible
{
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public init(stringLiteral value: String) {
        self.init(rawValue: value)
    }

    /// The pattern that matches one type.
    public init(_ type: EventType) {
        self.init(rawValue: type.rawValue)
    }

    public var description: String { rawValue }

    /// A star stands alone or after the last dot.
    package var isValid: Bool {
        let name = rawValue.hasSuffix("*") ? rawValue.dropLast() : rawValue[...]
        guard !rawValue.isEmpty, !name.contains("*") else { return false }
        return !rawValue.hasSuffix("*") || name.isEmpty || name.hasSuffix(".")
    }

    /// What types begin with that it matches; `nil` for the name of one type.
    package var prefix: String? {
        rawValue.hasSuffix("*") ? String(rawValue.dropLast()) : nil
    }
}

/// The event types of a subscription: several names and patterns.
public struct EventTypeSelection: Hashable, Sendable {
    public let patterns: Set<EventTypePattern>
    private let types: Set<EventType>
    private let prefixes: [String]

    public init(_ patterns: Set<EventTypePattern>) {
        self.patterns = patterns
        types = Set(patterns.filter { $0.prefix == nil }.map { EventType(rawValue: $0.rawValue) })
        prefixes = patterns.compactMap(\.prefix).sorted()
    }

    /// A selection of types by their names.
    public init(types: some Sequence<EventType>) {
        self.init(Set(types.map { EventTypePattern($0) }))
    }

    public func contains(_ type: EventType) -> Bool {
        if types.contains(type) { return true }
        return prefixes.contains { prefix in
            type.rawValue.utf8.count > prefix.utf8.count && type.rawValue.hasPrefix(prefix)
        }
    }
}

extension EventTypeSelection: ExpressibleByArrayLiteral {
    public init(arrayLiteral patterns: EventTypePattern...) {
        self.init(Set(patterns))
    }
}
