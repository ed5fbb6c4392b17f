import Synchronization

/// Keeps a writer with its buffer from one event to the next.
final class JSONWriterPool: Sendable {
    // Unsafe: a writer is no `Sendable`, but whoever takes it out has it alone. What is in here is retained.
    private nonisolated(unsafe) let kept = Atomic<Unmanaged<JSONWriter>?>(nil)

    deinit {
        kept.exchange(nil, ordering: .acquiring)?.release()
    }

    func withWriter<R>(_ body: (JSONWriter) throws -> R) rethrows -> R {
        var writer = kept.exchange(nil, ordering: .acquiring)?.takeRetainedValue() ?? JSONWriter()
        let result = try body(writer)
        // A container that somebody kept could still write.
        if isKnownUniquelyReferenced(&writer), writer.isSmall {
            kept.exchange(Unmanaged.passRetained(writer), ordering: .acquiringAndReleasing)?.release()
        }
        return result
    }
}
