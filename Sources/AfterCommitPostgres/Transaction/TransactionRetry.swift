#if Postgres
import AfterCommit

/// Whether a transaction that failed is run again, and after how long. A pure value.
///
/// Conflicts with others end soon and are tried again at once, spread by chance; a server that is away is waited for.
struct TransactionRetry: Sendable {
    /// What went wrong.
    enum Failure: Sendable, Equatable {
        /// The database undid it because of others: a serialization failure or a deadlock.
        case conflict
        /// The server is away or has ended the connection; nothing was committed.
        case connectionLost
        case other
    }

    enum Decision: Sendable, Equatable {
        case runAgain(after: Duration)
        case giveUp
    }

    private let maxConflicts: Int
    private let patience: Duration
    private var conflicts = 0
    private var losses = 0
    private var lostSince: Duration?

    /// - Parameters:
    ///   - maxConflicts: how often a transaction is run again because of others.
    ///   - patience: how long a server is waited for.
    init(maxConflicts: Int, patience: Duration) {
        self.maxConflicts = maxConflicts
        self.patience = patience
    }

    mutating func failed(
        _ failure: Failure, now: Duration, random: inout some RandomNumberGenerator
    ) -> Decision {
        switch failure {
        case .other:
            return .giveUp
        case .conflict:
            conflicts += 1
            lostSince = nil
            losses = 0
            guard conflicts <= maxConflicts else { return .giveUp }
            return .runAgain(after: jittered(.milliseconds(2) * (1 << min(conflicts, 7)), &random))
        case .connectionLost:
            let since = lostSince ?? now
            lostSince = since
            losses += 1
            guard now - since < patience else { return .giveUp }
            return .runAgain(after: jittered(min(.milliseconds(25) * (1 << min(losses, 6)), .seconds(1)), &random))
        }
    }

    /// Between half of it and all.
    private func jittered(_ delay: Duration, _ random: inout some RandomNumberGenerator) -> Duration {
        delay * Double.random(in: 0.5...1, using: &random)
    }
}
#endif
