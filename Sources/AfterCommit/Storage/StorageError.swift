/// A storage that cannot do what was asked. Nothing of the failed call was kept.
public struct StorageError: Error, CustomStringConvertible {
    /// What went wrong. More codes may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// The storage has reached its limit, or the disk is full.
        public static let storageFull = Code(description: "storageFull")
        /// Another process holds what is needed: the store's delivery, or its writer.
        public static let storeBusy = Code(description: "storeBusy")
        /// The store is open already, in this process or for this engine.
        public static let alreadyOpen = Code(description: "alreadyOpen")
        /// The storage was closed.
        public static let closed = Code(description: "closed")
        /// A transaction was used after its body had ended.
        public static let transactionClosed = Code(description: "transactionClosed")
        /// The delivery that a transaction was to settle is in nobody's hands: its attempt was given up meanwhile.
        public static let notClaimed = Code(description: "notClaimed")
        /// An insert under a key that is there already.
        public static let duplicateKey = Code(description: "duplicateKey")
        /// A key that is empty or too long.
        public static let keyLength = Code(description: "keyLength")
        /// A table's name, or its types, cannot be used.
        public static let invalidTable = Code(description: "invalidTable")
        /// The status column cannot do that; the outbox can.
        public static let needsOutbox = Code(description: "needsOutbox")
        /// The store keeps its events in another way than was asked for, and has some that are not settled.
        public static let unsettledEvents = Code(description: "unsettledEvents")
        /// Stored bytes that fail their checksum or cannot be read.
        public static let corrupted = Code(description: "corrupted")
        /// The path is not a store, or its permissions are not safe.
        public static let unsuitablePath = Code(description: "unsuitablePath")
        /// The store was written in a format this version does not know.
        public static let formatTooNew = Code(description: "formatTooNew")
        /// Writes failed so often that no more are accepted.
        public static let unhealthy = Code(description: "unhealthy")
        /// The system or the database failed below us.
        public static let systemFailure = Code(description: "systemFailure")
    }

    public let code: Code
    /// What happened and what to do.
    public let message: String
    /// The process that holds the store, for ``Code/storeBusy``.
    public let processID: Int32?
    /// What lay below, where there was something.
    public let cause: (any Error)?

    public init(
        _ code: Code, _ message: String, processID: Int32? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.processID = processID
        self.cause = cause
    }

    public var description: String {
        cause.map { "\(code): \(message) (\($0))" } ?? "\(code): \(message)"
    }
}

extension StorageError {
    public static let transactionClosed = Self(
        .transactionClosed,
        "the transaction has ended; use it only inside the body that receives it")

    package static func notClaimed(_ delivery: DeliveryID) -> Self {
        Self(
            .notClaimed,
            "the attempt at \(delivery) was given up before its transaction could commit, so nothing of it was kept; the delivery is tried again as its policy says, and a handler that needs longer wants a longer `timeout`"
        )
    }

    public static func storageFull(_ message: String) -> Self { Self(.storageFull, message) }

    public static func storeBusy(processID: Int32) -> Self {
        Self(
            .storeBusy,
            "process \(processID) delivers from this store; stop it first, or let this process only emit",
            processID: processID)
    }

    public static let alreadyDelivering = Self(
        .alreadyOpen,
        "an engine in this process delivers from this storage; use that engine, or end its `run()` and release it first"
    )

    /// - Parameter what: what was asked for, such as "a second subscription".
    public static func needsOutbox(_ what: String) -> Self {
        Self(
            .needsOutbox,
            "the status column cannot have \(what): it keeps one event beside each row, for one subscription; make the storage with `events: .outbox`"
        )
    }

    public static func duplicateKey(table: String) -> Self {
        Self(.duplicateKey, "the key is already in table \(table)")
    }

    public static func keyLength(table: String, bytes: Int, limit: Int) -> Self {
        Self(.keyLength, "a key of table \(table) has \(bytes) bytes; 1 to \(limit) are possible")
    }
}
