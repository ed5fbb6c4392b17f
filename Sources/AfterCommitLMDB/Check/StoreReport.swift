#if LMDB
public import Foundation

/// What a check of a store has found.
public struct StoreReport: Sendable {
    /// Something that cannot be read, or that contradicts something else.
    public struct Damage: Sendable, Hashable, CustomStringConvertible {
        /// The engine's own table, `table NAME` for one of the user's, or `page` for the file's structure.
        public var place: String
        /// The record's key, or the page's number in decimal digits.
        public var key: Data
        /// What is wrong with it.
        public var problem: String

        public var description: String {
            let isText = key.allSatisfy { (0x20...0x7E).contains($0) }
            let name =
                isText
                ? String(decoding: key, as: UTF8.self)
                : key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return "\(place) \(name): \(problem)"
        }
    }

    /// How many damages are listed at most; ``damageCount`` counts all.
    public static let maxDamages = 1_000

    /// The version of the store's format; 0 where the file's structure is damaged and nothing else was read.
    public var format: UInt32
    /// Events in the log, delivered ones that are retained included.
    public var events = 0
    public var subscriptions = 0
    public var retrying = 0
    public var blocked = 0
    /// Deliveries that wait for a binary which knows their events.
    public var parked = 0
    public var deadLetters = 0
    public var delayed = 0
    /// For each of the user's tables how many rows it has.
    public var rows: [String: Int] = [:]
    /// Whether the pages of the file were examined too: only where no process had the store open.
    public var isStructureChecked = false
    /// The damages found, in the order of places and keys, at most ``maxDamages``.
    public private(set) var damages: [Damage] = []
    public private(set) var damageCount = 0

    /// Whether nothing is damaged.
    public var isSound: Bool { damageCount == 0 }

    init(format: UInt32) {
        self.format = format
    }

    mutating func add(_ damage: Damage) {
        damageCount += 1
        if damages.count < Self.maxDamages { damages.append(damage) }
    }
}
#endif
