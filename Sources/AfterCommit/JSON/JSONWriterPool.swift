import Synchronization

/// Keeps a writer with its buffer from one event to the next.
final class JSONWriterPool: Sendable {
    private struct Kept: Sendable {
        // Unchecked: whoever takes it from here has it alone.
        nonisolated(unsafe) var writer: JSONWriter?

        mutating func take() -> JSONWriter? {
            defer { writer = nil }
            return writer
        }
    }

    private let kept = Mutex(Kept())

    func withWriter<R>(_ body: (JSONWriter) -> R) -> R {
        let found = kept.withLock { $0.take() }
        var writer = found ?? JSONWriter()
        let result = body(writer)
        // A container that somebody kept could still write.
        if isKnownUniquelyReferenced(&writer), writer.isSmall {
            let kept = Kept(writer: writer)
            self.kept.withLock { $0 = kept }
        }
        return result
    }
}
