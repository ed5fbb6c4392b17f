public import Foundation

/// A typed table of the user's own data in a storage that has tables (``InMemoryStorage`` and the LMDB storage).
///
/// ```swift
/// let orders = Table<UUID, Order>("orders")             // Codable, stored as JSON
/// let blobs = Table<String, Data>.raw("blobs")          // bytes as they are
/// ```
public struct Table<Key: TableKey, Value: Sendable>: Sendable {
    /// The table's name: 1 to 200 bytes. Every use of one name must have the same key and value types.
    public let name: String
    /// Whether it is a table of the engine's own; users' tables cannot have such a name.
    package let isReserved: Bool
    package let encode: @Sendable (Value) throws -> Data
    package let decode: @Sendable (Data) throws -> Value

    /// A table whose values are stored in a form of the user's own.
    public init(
        _ name: String,
        encode: @escaping @Sendable (Value) throws -> Data,
        decode: @escaping @Sendable (Data) throws -> Value
    ) {
        self.init(name, isReserved: false, encode: encode, decode: decode)
    }

    fileprivate init(
        _ name: String, isReserved: Bool,
        encode: @escaping @Sendable (Value) throws -> Data,
        decode: @escaping @Sendable (Data) throws -> Value
    ) {
        self.name = name
        self.isReserved = isReserved
        self.encode = encode
        self.decode = decode
    }

    /// What the names of the engine's own tables begin with.
    package static var reservedPrefix: String { "aftercommit." }

    /// Refuses a name that a table of a user's cannot have.
    package func checkName() throws(StorageError) {
        guard (1...200).contains(name.utf8.count), !name.utf8.contains(0) else {
            throw StorageError(.invalidTable, "a table's name has 1 to 200 bytes and no zero byte")
        }
        guard isReserved || !name.hasPrefix(Self.reservedPrefix) else {
            throw StorageError(
                .invalidTable,
                "the name \(name) is one of the engine's own; use one that does not begin with \(Self.reservedPrefix)")
        }
    }
}

extension Table where Value: Codable {
    /// A table whose values are stored as JSON.
    public init(_ name: String) {
        self.init(name, isReserved: false)
    }

    package init(reserved name: String) {
        self.init(name, isReserved: true)
    }

    private init(_ name: String, isReserved: Bool) {
        let encoder = JSONEncoder()
        let decoder = JSONDecoder()
        self.init(
            name, isReserved: isReserved,
            encode: { try encoder.encode($0) },
            decode: { try decoder.decode(Value.self, from: $0) })
    }
}

extension Table where Value == Data {
    /// A table whose values are stored as they are.
    public static func raw(_ name: String) -> Self {
        Self(name, encode: { $0 }, decode: { $0 })
    }

    package static func raw(reserved name: String) -> Self {
        Self(name, isReserved: true, encode: { $0 }, decode: { $0 })
    }
}

/// A key of a ``Table``: its bytes sort as the keys do. `String`, `UUID`, `UInt64` and `Data` are keys.
public protocol TableKey: Sendable, Hashable {
    /// The key's bytes: 1 to 400 of them.
    var tableKeyBytes: Data { get }
    /// The key of the bytes, or `nil` where they are not a key's.
    init?(tableKeyBytes: Data)
}

extension String: TableKey {
    public var tableKeyBytes: Data { Data(utf8) }
    public init?(tableKeyBytes: Data) { self.init(data: tableKeyBytes, encoding: .utf8) }
}

extension UUID: TableKey {
    public var tableKeyBytes: Data { withUnsafeBytes(of: uuid) { Data($0) } }
    public init?(tableKeyBytes: Data) {
        guard tableKeyBytes.count == 16 else { return nil }
        self.init(uuid: tableKeyBytes.withUnsafeBytes { $0.loadUnaligned(as: uuid_t.self) })
    }
}

extension UInt64: TableKey {
    public var tableKeyBytes: Data { withUnsafeBytes(of: bigEndian) { Data($0) } }
    public init?(tableKeyBytes: Data) {
        guard tableKeyBytes.count == 8 else { return nil }
        self.init(bigEndian: tableKeyBytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    }
}

extension Data: TableKey {
    public var tableKeyBytes: Data { self }
    public init?(tableKeyBytes: Data) { self = tableKeyBytes }
}
