#if LMDB
import AfterCommit
import Foundation

/// Events in their stored form, one behind the other, ready to be copied into the log.
struct EncodedEvents: Sendable {
    /// How an event is stored that does not simply go to the end of the log.
    struct Exceptional: Sendable {
        var deliverAt: Date?
        var deduplication: Emission.Deduplication?
    }

    private struct End {
        let offset: Int
        /// What all up to here take in the log, about.
        let storedBytes: Int
        let id: EventID
        let exceptional: Exceptional?
    }

    private var writer = ByteWriter()
    private var ends: [End] = []
    /// Whether one of them has a delay or a deduplication key.
    private(set) var hasExceptional = false

    var count: Int { ends.count }
    var isEmpty: Bool { ends.isEmpty }
    var storedBytes: Int { ends.last?.storedBytes ?? 0 }
    var ids: [EventID] { ends.map(\.id) }

    init() {}

    init(_ emissions: [Emission], coder: any EventCoder) throws {
        for emission in emissions { try append(emission, coder: coder) }
    }

    mutating func append(_ emission: Emission, coder: any EventCoder) throws {
        let envelope = emission.box.envelope
        let start = writer.bytes.count
        writer.put(envelope, payload: try envelope.bytes(using: coder))
        var size = LogRecord.headerBytes + writer.bytes.count - start
        var exceptional: Exceptional?
        if emission.deliverAt != nil || emission.deduplication != nil {
            exceptional = Exceptional(deliverAt: emission.deliverAt, deduplication: emission.deduplication)
            hasExceptional = true
            size += 3 * (emission.deduplication?.key.utf8.count ?? 0) + 64
        }
        ends.append(
            End(
                offset: writer.bytes.count, storedBytes: storedBytes + Space.storedBytes(of: size),
                id: envelope.id, exceptional: exceptional))
    }

    mutating func truncate(to count: Int) {
        guard count < ends.count else { return }
        ends.removeSubrange(count...)
        writer.bytes.removeSubrange((ends.last?.offset ?? 0)...)
    }

    /// The earlier one of these events that a deduplication key stands for.
    func first(with key: Emission.Deduplication) -> (id: EventID, deduplication: Emission.Deduplication)? {
        guard hasExceptional else { return nil }
        for end in ends {
            if let known = end.exceptional?.deduplication, known.key == key.key { return (end.id, known) }
        }
        return nil
    }

    func visit(
        _ body: (Int, UnsafeRawBufferPointer, Exceptional?) throws(StorageError) -> Void
    ) throws(StorageError) {
        try withBytes(writer.bytes) { bytes throws(StorageError) in
            var start = 0
            for (index, end) in ends.enumerated() {
                try body(index, UnsafeRawBufferPointer(rebasing: bytes[start..<end.offset]), end.exceptional)
                start = end.offset
            }
        }
    }
}
#endif
