#if LMDB
import AfterCommit

/// An event in the log: when it was recorded, then the envelope.
enum LogRecord {
    /// Record header and time.
    static let headerBytes = Record.headerBytes + timeBytes
    static let timeBytes = 8

    /// The milliseconds since 1970 at its commit. They never go back from one record to the next.
    static func recordedMilliseconds(_ content: UnsafeRawBufferPointer) throws(StorageError) -> UInt64 {
        var reader = ByteReader(content)
        return try reader.fixed(UInt64.self)
    }

    static func envelope(_ content: UnsafeRawBufferPointer) throws(StorageError) -> Envelope {
        var reader = ByteReader(content)
        _ = try reader.fixed(UInt64.self)
        return try reader.envelope()
    }

    /// The envelope's id and type, without the rest.
    static func head(
        _ content: UnsafeRawBufferPointer
    ) throws(StorageError) -> (id: EventID, type: EventType) {
        var reader = ByteReader(content)
        _ = try reader.fixed(UInt64.self)
        return (try reader.eventID(), EventType(rawValue: try reader.string()))
    }
}
#endif
