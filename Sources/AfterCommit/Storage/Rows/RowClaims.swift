/// What one subscription's worker has in hand, where deliveries are rows with a state and one process delivers.
///
/// The rows themselves stay in the database: of the backlog nothing is kept here. A pure value.
package struct RowClaims: Sendable {
    /// Every new row up to this sequence has been handed out, apart from ``released``.
    package private(set) var handedOut: UInt64 = 0
    /// New rows that were handed out and taken back, in order.
    package private(set) var released: [UInt64] = []
    /// What is handed out, and whether it was new: never tried.
    private var claimed: [UInt64: Bool] = [:]
    /// Reads of the rows that are under way, and what was settled meanwhile: it must not be handed out by what they found.
    private var reads = 0
    private var settledMeanwhile: Set<UInt64> = []

    package init() {}

    package var claimedCount: Int { claimed.count }

    /// How many rows are in hand that were tried before, and may be found among those that are due or blocked.
    package var claimedExceptionCount: Int { claimed.values.reduce(0) { $1 ? $0 : $0 + 1 } }

    /// How many new rows are in hand.
    package var claimedNewCount: Int { claimed.count - claimedExceptionCount }

    /// All that is in hand, in no order.
    package var claimedSequences: [UInt64] { Array(claimed.keys) }

    package func isClaimed(_ sequence: UInt64) -> Bool { claimed[sequence] != nil }

    // MARK: Handing out

    /// Before rows are read.
    package mutating func beginRead() {
        reads += 1
    }

    /// After what was read is handed out.
    package mutating func endRead() {
        reads -= 1
        if reads == 0 { settledMeanwhile = [] }
    }

    /// Hands out a row that was tried before.
    /// - Returns: false for one that is in somebody's hands, or was settled while it was read.
    package mutating func claimException(_ sequence: UInt64) -> Bool {
        guard claimed[sequence] == nil, !settledMeanwhile.contains(sequence) else { return false }
        claimed[sequence] = false
        return true
    }

    /// Hands out a row that was never tried.
    package mutating func claimNew(_ sequence: UInt64) -> Bool {
        if let place = released.firstIndex(of: sequence) { released.remove(at: place) }
        guard claimed[sequence] == nil, !settledMeanwhile.contains(sequence) else { return false }
        claimed[sequence] = true
        return true
    }

    /// All new rows up to `sequence` were handed out, or are passed over.
    package mutating func reached(_ sequence: UInt64) {
        handedOut = max(handedOut, sequence)
    }

    /// Rows that were released and are there no more.
    package mutating func forgetReleased(_ sequences: some Sequence<UInt64>) {
        let gone = Set(sequences)
        released.removeAll { gone.contains($0) }
    }

    // MARK: Taking back

    package mutating func release(_ sequence: UInt64) {
        guard let isNew = claimed.removeValue(forKey: sequence), isNew, sequence <= handedOut else { return }
        let place = released.firstIndex { $0 > sequence } ?? released.endIndex
        released.insert(sequence, at: place)
    }

    /// Notes what was settled by a commit.
    package mutating func settled(_ sequences: some Sequence<UInt64>) {
        for sequence in sequences {
            claimed[sequence] = nil
            if reads > 0 { settledMeanwhile.insert(sequence) }
            if !released.isEmpty { released.removeAll { $0 == sequence } }
        }
    }
}
