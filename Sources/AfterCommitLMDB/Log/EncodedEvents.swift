#if LMDB
import AfterCommit

/// Events in their stored form, one behind the other, ready to be copied into the log.
struct EncodedEvents: Sendable {
    private struct End {
        let offset: Int
        /// What all up to here take in the log, about.
        let storedBytes: Int
    }

    private var writer = ByteWriter()
    private var ends: [End] = []

    var count: Int { ends.count }
    var isEmpty: Bool { ends.isEmpty }
    var storedBytes: Int { ends.last?.storedBytes ?? 0 }

    mutating func append(_ envelope: Envelope, coder: any EventCoder) throws {
        let start = writer.bytes.count
        writer.put(envelope, payload: try envelope.bytes(using: coder))
        let size = LogRecord.headerBytes + writer.bytes.count - start
        ends.append(
            End(offset: writer.bytes.count, storedBytes: storedBytes + Space.storedBytes(of: size)))
    }

    mutating func truncate(to count: Int) {
        guard count < ends.count else { return }
        ends.removeSubrange(count...)
        writer.bytes.removeSubrange((ends.last?.offset ?? 0)...)
    }

    func visit(
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void
    ) throws(StorageError) {
        try withBytes(writer.bytes) { bytes throws(StorageError) in
            var start = 0
            for end in ends {
                try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end.offset]))
                start = end.offset
            }
        }
    }
}
#endif
