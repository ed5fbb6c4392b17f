#if Postgres
import AfterCommit
import CLibPQ
public import Foundation

/// One row, read by its columns' places or names.
///
/// Each reader throws `StorageError` for a column that is not there, is of another type, or is NULL; those that begin with
/// `optional` return `nil` for NULL.
public struct PostgresRow {
    let result: PostgresResult
    let index: Int32

    /// The place of a column.
    public func column(_ name: String) throws -> Int {
        let column = PQfnumber(result.pointer, name)
        guard column >= 0 else { throw StorageError(.invalidTable, "the result has no column \(name)") }
        return Int(column)
    }

    public func bool(_ column: Int) throws -> Bool { try required(column, optionalBool(column)) }
    public func int32(_ column: Int) throws -> Int32 { try required(column, optionalInt32(column)) }
    public func int64(_ column: Int) throws -> Int64 { try required(column, optionalInt64(column)) }
    public func double(_ column: Int) throws -> Double { try required(column, optionalDouble(column)) }
    public func text(_ column: Int) throws -> String { try required(column, optionalText(column)) }
    public func bytes(_ column: Int) throws -> Data { try required(column, optionalBytes(column)) }
    public func uuid(_ column: Int) throws -> UUID { try required(column, optionalUUID(column)) }
    /// `infinity` and `-infinity` are dates at an infinite distance.
    public func timestamp(_ column: Int) throws -> Date { try required(column, optionalTimestamp(column)) }
    public func decimal(_ column: Int) throws -> Decimal { try required(column, optionalDecimal(column)) }

    public func optionalBool(_ column: Int) throws -> Bool? {
        try read(column, as: "bool", [PostgresType.bool]) { bytes, _ in bytes.count == 1 ? bytes[0] != 0 : nil }
    }

    public func optionalInt32(_ column: Int) throws -> Int32? {
        try optionalInt64(column).map { value in
            guard let value = Int32(exactly: value) else { throw wrongType(column, "a 32-bit integer") }
            return value
        }
    }

    public func optionalInt64(_ column: Int) throws -> Int64? {
        try read(column, as: "an integer", [PostgresType.int8, PostgresType.int4, PostgresType.int2]) { bytes, _ in
            switch bytes.count {
            case 8: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
            case 4: Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
            case 2: Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
            default: nil
            }
        }
    }

    public func optionalDouble(_ column: Int) throws -> Double? {
        try read(column, as: "a floating-point number", [PostgresType.float8, PostgresType.float4]) { bytes, _ in
            switch bytes.count {
            case 8: Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
            case 4: Double(Float(bitPattern: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))))
            default: nil
            }
        }
    }

    /// Text of any kind: `text`, `varchar`, `json`, `jsonb`, the name of an enumeration's case.
    public func optionalText(_ column: Int) throws -> String? {
        try read(column, as: "text", nil) { bytes, type in
            // The binary form of jsonb is a version, 1, and the text.
            guard type == PostgresType.jsonb else { return String(decoding: bytes, as: UTF8.self) }
            return bytes.first == 1 ? String(decoding: bytes.dropFirst(), as: UTF8.self) : nil
        }
    }

    public func optionalBytes(_ column: Int) throws -> Data? {
        try read(column, as: "bytea", [PostgresType.bytea]) { bytes, _ in Data(bytes) }
    }

    public func optionalUUID(_ column: Int) throws -> UUID? {
        try read(column, as: "uuid", [PostgresType.uuid]) { bytes, _ in
            bytes.count == 16 ? UUID(uuid: bytes.loadUnaligned(as: uuid_t.self)) : nil
        }
    }

    public func optionalTimestamp(_ column: Int) throws -> Date? {
        try read(column, as: "a timestamp", [PostgresType.timestamptz, PostgresType.timestamp]) { bytes, _ in
            bytes.count == 8 ? PostgresType.date(Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))) : nil
        }
    }

    public func optionalDecimal(_ column: Int) throws -> Decimal? {
        try read(column, as: "numeric", [PostgresType.numeric]) { bytes, _ in PostgresNumeric.decimal(bytes) }
    }

    /// An array of `bigint` without NULLs.
    public func int64s(_ column: Int) throws -> [Int64] {
        let values = try read(column, as: "an array of bigint", [PostgresType.int8Array]) { bytes, _ -> [Int64]? in
            guard bytes.count >= 20 else { return bytes.count >= 12 ? [] : nil }
            let count = Int(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: Int32.self)))
            guard count >= 0, bytes.count == 20 + 12 * count else { return nil }
            return (0..<count).map { index in
                Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24 + 12 * index, as: Int64.self))
            }
        }
        return try required(column, values)
    }

    // MARK: Reading

    private func read<Value>(
        _ column: Int, as name: String, _ types: [UInt32]?, _ decode: (UnsafeRawBufferPointer, UInt32) throws -> Value?
    ) throws -> Value? {
        let number = Int32(clamping: column)
        guard number >= 0, number < PQnfields(result.pointer) else {
            throw StorageError(.invalidTable, "the result has no column \(column)")
        }
        guard PQgetisnull(result.pointer, index, number) == 0 else { return nil }
        let type = PQftype(result.pointer, number)
        guard types?.contains(type) ?? !PostgresType.isBinary(type),
            let pointer = PQgetvalue(result.pointer, index, number)
        else { throw wrongType(column, name) }
        let bytes = UnsafeRawBufferPointer(start: pointer, count: Int(PQgetlength(result.pointer, index, number)))
        guard let value = try decode(bytes, type) else { throw wrongType(column, name) }
        return value
    }

    private func required<Value>(_ column: Int, _ value: Value?) throws -> Value {
        guard let value else { throw StorageError(.invalidTable, "column \(name(column)) is NULL") }
        return value
    }

    private func wrongType(_ column: Int, _ wanted: String) -> StorageError {
        let type = PQftype(result.pointer, Int32(clamping: column))
        return StorageError(.invalidTable, "column \(name(column)) has type number \(type), which is not \(wanted)")
    }

    private func name(_ column: Int) -> String {
        PQfname(result.pointer, Int32(clamping: column)).map { String(cString: $0) } ?? "\(column)"
    }
}

extension PostgresType {
    /// Types whose binary form is no text.
    static func isBinary(_ type: UInt32) -> Bool {
        [bool, bytea, int8, int2, int4, float4, float8, timestamp, timestamptz, numeric, uuid].contains(type)
    }
}

/// The binary form of `numeric` (PostgreSQL, `numeric_send`): digits of base 10,000.
enum PostgresNumeric {
    private static let negative: UInt16 = 0x4000
    private static let positive: UInt16 = 0

    /// `nil` for what is no number, such as NaN.
    static func decimal(_ bytes: UnsafeRawBufferPointer) -> Decimal? {
        guard bytes.count >= 8 else { return nil }
        func number(_ index: Int) -> Int16 {
            Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: Int16.self))
        }
        let count = Int(number(0))
        let weight = Int(number(1))
        let sign = UInt16(bitPattern: number(2))
        guard count >= 0, bytes.count == 8 + 2 * count, sign == negative || sign == positive else { return nil }
        var text = sign == negative ? "-" : ""
        for index in 0..<count {
            let digits = String(number(4 + index))
            text += String(repeating: "0", count: 4 - digits.count) + digits
        }
        if count == 0 { text += "0" }
        guard let digits = Decimal(string: text, locale: Locale(identifier: "en_US_POSIX")) else { return nil }
        let exponent = 4 * (weight - max(0, count - 1))
        guard exponent != 0 else { return digits }
        return Decimal(sign: .plus, exponent: exponent, significand: digits)
    }
}
#endif
