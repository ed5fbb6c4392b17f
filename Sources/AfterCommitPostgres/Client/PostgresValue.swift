#if Postgres
public import Foundation

/// A parameter of a statement, with its type.
///
/// A `nil` of a type is told as that type, so that a statement is prepared once whether it has a value or not.
public struct PostgresValue: Sendable {
    /// The type's number in `pg_type`; 0 lets the server find out.
    let type: UInt32
    /// The binary form; `nil` for NULL.
    let bytes: [UInt8]?
    /// Whether ``bytes`` are text.
    var isText = false
    /// Why it cannot be sent; whoever is given it as a parameter throws.
    private(set) var refusal: Refusal?

    /// A value that the server would refuse, or take for another.
    struct Refusal: Sendable {
        /// What the server says in such a case (PostgreSQL, appendix A).
        let sqlState: String
        /// What follows the parameter's number.
        let reason: String

        static let nul = Self(sqlState: "22021", reason: "has a NUL character, which PostgreSQL keeps in no text")
        static let long = Self(sqlState: "54000", reason: "is longer than 1 GiB")
        static func date(_ date: Date) -> Self {
            Self(
                sqlState: "22008",
                reason: "is a date \(date.timeIntervalSince1970) s from 1970, outside of the years 4713 BC to 294276")
        }
    }

    /// The longest value that a server keeps (PostgreSQL, "Limits").
    private static let maxBytes = 1 << 30

    init(type: UInt32, bytes: [UInt8]?, refusal: Refusal? = nil) {
        self.type = type
        self.bytes = bytes
        self.refusal = (bytes?.count ?? 0) > Self.maxBytes ? .long : refusal
    }

    /// NULL of whatever type the statement needs.
    public static let null = Self(type: 0, bytes: nil)

    public static func bool(_ value: Bool?) -> Self {
        Self(type: PostgresType.bool, bytes: value.map { [$0 ? 1 : 0] })
    }
    public static func int16(_ value: Int16?) -> Self {
        Self(type: PostgresType.int2, bytes: value.map(bigEndian))
    }
    public static func int32(_ value: Int32?) -> Self {
        Self(type: PostgresType.int4, bytes: value.map(bigEndian))
    }
    public static func int64(_ value: Int64?) -> Self {
        Self(type: PostgresType.int8, bytes: value.map(bigEndian))
    }
    public static func double(_ value: Double?) -> Self {
        Self(type: PostgresType.float8, bytes: value.map { Self.bigEndian($0.bitPattern) })
    }
    /// `text`. One with a NUL character is refused when it is used, with SQLSTATE 22021.
    public static func text(_ value: String?) -> Self {
        Self(
            type: PostgresType.text, bytes: value.map { Array($0.utf8) },
            refusal: value?.hasNUL == true ? .nul : nil)
    }
    /// `bytea`.
    public static func bytes(_ value: Data?) -> Self { Self(type: PostgresType.bytea, bytes: value.map { Array($0) }) }
    public static func uuid(_ value: UUID?) -> Self {
        Self(type: PostgresType.uuid, bytes: value.map { withUnsafeBytes(of: $0.uuid) { Array($0) } })
    }
    /// `timestamptz`, in microseconds. A date whose distance is infinite becomes `infinity` or `-infinity`; one outside of the
    /// years 4713 BC to 294276 is refused when it is used, with SQLSTATE 22008.
    public static func timestamp(_ value: Date?) -> Self {
        guard let value else { return Self(type: PostgresType.timestamptz, bytes: nil) }
        let microseconds = PostgresType.microseconds(value)
        return Self(
            type: PostgresType.timestamptz, bytes: Self.bigEndian(microseconds ?? 0),
            refusal: microseconds == nil ? .date(value) : nil)
    }
    /// `jsonb`, from JSON text.
    public static func json(_ value: String?) -> Self {
        Self(
            type: PostgresType.jsonb, bytes: value.map { [1] + Array($0.utf8) },
            refusal: value?.hasNUL == true ? .nul : nil)
    }
    /// `numeric`.
    public static func decimal(_ value: Decimal?) -> Self {
        var parameter = Self(type: PostgresType.numeric, bytes: value.map { Array("\($0)".utf8) })
        parameter.isText = true
        return parameter
    }

    // MARK: Arrays

    public static func int64s(_ values: [Int64]) -> Self {
        array(PostgresType.int8Array, of: PostgresType.int8, values) { bytes, value in
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }
    }
    public static func texts(_ values: [String]) -> Self { texts(values.map(Optional.some)) }
    public static func texts(_ values: [String?]) -> Self {
        var array = array(PostgresType.textArray, of: PostgresType.text, values) { $0.append(contentsOf: $1.utf8) }
        if values.contains(where: { $0?.hasNUL == true }) { array.refusal = .nul }
        return array
    }
    public static func bytesArray(_ values: [Data?]) -> Self {
        array(PostgresType.byteaArray, of: PostgresType.bytea, values) { $0.append(contentsOf: $1) }
    }
    public static func uuids(_ values: [UUID]) -> Self {
        array(PostgresType.uuidArray, of: PostgresType.uuid, values) { bytes, value in
            withUnsafeBytes(of: value.uuid) { bytes.append(contentsOf: $0) }
        }
    }

    /// The binary form of an array of one dimension (PostgreSQL, `array_recv`).
    private static func array<Element>(
        _ type: UInt32, of elementType: UInt32, _ values: [Element?], _ append: (inout [UInt8], Element) -> Void
    ) -> Self {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20 + values.count * 20)
        func put(_ value: Int32, _ bytes: inout [UInt8]) {
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }
        put(values.isEmpty ? 0 : 1, &bytes)
        put(values.contains { $0 == nil } ? 1 : 0, &bytes)
        put(Int32(bitPattern: elementType), &bytes)
        if !values.isEmpty {
            put(Int32(clamping: values.count), &bytes)
            put(1, &bytes)
        }
        for value in values {
            guard let value else {
                put(-1, &bytes)
                continue
            }
            let start = bytes.count
            put(0, &bytes)
            append(&bytes, value)
            let length = Int32(clamping: bytes.count - start - 4)
            withUnsafeBytes(of: length.bigEndian) { bytes.replaceSubrange(start..<start + 4, with: $0) }
        }
        return Self(type: type, bytes: bytes)
    }

    private static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

/// The numbers of the types that are spoken here (PostgreSQL, `pg_type.dat`), and the form of dates.
enum PostgresType {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let byteaArray: UInt32 = 1001
    static let textArray: UInt32 = 1009
    static let int8Array: UInt32 = 1016
    static let varchar: UInt32 = 1043
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950
    static let uuidArray: UInt32 = 2951
    static let jsonb: UInt32 = 3802

    /// PostgreSQL counts from 2000, Foundation from 2001.
    private static let microsecondsFrom2000To2001: Int64 = 31_622_400_000_000
    /// From 4713 BC up to the end of the year 294276, since 2000 (PostgreSQL, `datatype/timestamp.h`).
    private static let microseconds: Range<Int64> = -211_813_488_000_000_000..<9_223_371_331_200_000_000

    /// `nil` for a date that is none, or outside of what a timestamp holds.
    static func microseconds(_ date: Date) -> Int64? {
        let seconds = date.timeIntervalSinceReferenceDate
        guard !seconds.isInfinite else { return seconds > 0 ? .max : .min }
        guard let since2001 = Int64(exactly: (seconds * 1_000_000).rounded()) else { return nil }
        let (since2000, isOver) = since2001.addingReportingOverflow(microsecondsFrom2000To2001)
        return !isOver && microseconds.contains(since2000) ? since2000 : nil
    }

    /// The last and the first number stand for `infinity` and `-infinity`.
    static func date(_ microseconds: Int64) -> Date {
        switch microseconds {
        case .max: Date(timeIntervalSinceReferenceDate: .infinity)
        case .min: Date(timeIntervalSinceReferenceDate: -.infinity)
        default:
            // Subtracted first, where nothing is rounded.
            Date(
                timeIntervalSinceReferenceDate: Double(microseconds - microsecondsFrom2000To2001) / 1_000_000)
        }
    }
}
#endif
