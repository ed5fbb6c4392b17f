#if LMDB
import AfterCommit

/// What is to be written, in one piece with others.
struct WriteRequest<R: Sendable>: Sendable {
    /// About how much it writes.
    let bytes: Int
    /// Whether it can wait a little for others to share a commit with.
    let canWait: Bool
    /// May run more than once, in one group after another.
    let operation: @Sendable (WriteGroup) throws -> R

    init(
        bytes: Int, canWait: Bool = false, operation: @escaping @Sendable (WriteGroup) throws -> R
    ) {
        self.bytes = bytes
        self.canWait = canWait
        self.operation = operation
    }
}

/// What a write returned, on its way from the writer's thread to the caller.
final class WriteResult<R: Sendable>: @unchecked Sendable {
    // Unchecked: the writer's thread sets it before the caller is resumed, and the caller reads it after.
    var value: R?

    /// What the write returned, once the caller was resumed without an error.
    func taken() throws -> R {
        guard let value else { throw StorageError(.systemFailure, "the write returned nothing") }
        return value
    }
}
#endif
