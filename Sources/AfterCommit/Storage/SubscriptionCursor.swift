/// The place of one subscription in an append-only log: what is settled, and what is handed out.
///
/// Only ``settledBelow`` and ``settledAhead`` need storing. A pure value: memory and LMDB share it.
package struct SubscriptionCursor: Sendable, Equatable {
    /// Every sequence below is settled, or kept as an exception beside the log.
    package private(set) var settledBelow: UInt64
    /// Settled runs above ``settledBelow``: sorted, disjoint, never adjacent.
    package private(set) var settledAhead: [Range<UInt64>]

    private var claimedBelow: UInt64
    /// Runs that were settled before this process began and lie above ``claimedBelow``, last first.
    private var settledBeforeStart: [Range<UInt64>]
    /// Sequences below ``claimedBelow`` that were handed back, highest first.
    private var released: [UInt64] = []
    /// Sequences not below ``claimedBelow`` that were handed out before their turn.
    private var claimedEarly: Set<UInt64> = []

    package init(settledBelow: UInt64, settledAhead: [Range<UInt64>] = []) {
        self.settledBelow = settledBelow
        self.settledAhead = settledAhead
        claimedBelow = settledBelow
        settledBeforeStart = settledAhead.reversed()
    }

    /// The place in a log that was trimmed up to `first`: what is gone counts as settled.
    package init(settledBelow: UInt64, settledAhead: [Range<UInt64>], trimmedBelow first: UInt64) {
        let reached = settledAhead.reduce(max(first, settledBelow)) { reached, run in
            run.contains(reached) ? run.upperBound : reached
        }
        self.init(
            settledBelow: reached, settledAhead: settledAhead.filter { $0.lowerBound > reached })
    }

    /// Takes the next sequence to hand out, of those below `tail`.
    package mutating func claimNext(below tail: UInt64) -> UInt64? {
        if let sequence = released.popLast() { return sequence }
        while true {
            if let run = settledBeforeStart.last, run.lowerBound <= claimedBelow {
                claimedBelow = max(claimedBelow, run.upperBound)
                settledBeforeStart.removeLast()
            } else if !claimedEarly.isEmpty, claimedEarly.remove(claimedBelow) != nil {
                claimedBelow += 1
            } else {
                break
            }
        }
        guard claimedBelow < tail else { return nil }
        defer { claimedBelow += 1 }
        return claimedBelow
    }

    /// Hands out one sequence before its turn.
    /// - Returns: whether it was free: neither settled nor handed out.
    package mutating func claim(_ sequence: UInt64) -> Bool {
        if let place = released.firstIndex(of: sequence) {
            released.remove(at: place)
            return true
        }
        guard sequence >= claimedBelow, !isSettled(sequence) else { return false }
        return claimedEarly.insert(sequence).inserted
    }

    /// Whether ``claimNext(below:)`` would hand something out.
    package func hasClaimable(below tail: UInt64) -> Bool {
        !released.isEmpty || claimedBelow < tail
    }

    /// Every sequence below has been handed out, or is settled.
    package var reached: UInt64 { released.last ?? claimedBelow }

    /// Takes a sequence back that was handed out and not settled.
    package mutating func release(_ sequence: UInt64) {
        guard claimedEarly.isEmpty || claimedEarly.remove(sequence) == nil else { return }
        let place = released.partitioningIndex { $0 < sequence }
        released.insert(sequence, at: place)
    }

    /// Whether a sequence is handed out: neither settled nor taken back since.
    package func isClaimed(_ sequence: UInt64) -> Bool {
        guard !isSettled(sequence) else { return false }
        return sequence < claimedBelow ? !released.contains(sequence) : claimedEarly.contains(sequence)
    }

    package func isSettled(_ sequence: UInt64) -> Bool {
        if sequence < settledBelow { return true }
        let place = settledAhead.partitioningIndex { $0.upperBound > sequence }
        return place < settledAhead.count && settledAhead[place].contains(sequence)
    }

    /// How many sequences below `tail` are not settled.
    package func unsettledCount(below tail: UInt64) -> Int {
        guard tail > settledBelow else { return 0 }
        return Int(tail - settledBelow) - settledAhead.reduce(0) { $0 + $1.count }
    }

    /// Settles sequences; those settled before are left as they are.
    package mutating func settle(_ sequences: [UInt64]) {
        var run: Range<UInt64>?
        for sequence in sequences.sorted() {
            if let current = run, current.upperBound >= sequence {
                run = current.lowerBound..<max(current.upperBound, sequence + 1)
            } else {
                if let run { settle(run: run) }
                run = sequence..<sequence + 1
            }
        }
        if let run { settle(run: run) }
    }

    private mutating func settle(run: Range<UInt64>) {
        guard run.upperBound > settledBelow else { return }
        if run.lowerBound <= settledBelow {
            settledBelow = run.upperBound
            let absorbed = settledAhead.prefix { $0.lowerBound <= settledBelow }
            if let last = absorbed.last { settledBelow = max(settledBelow, last.upperBound) }
            settledAhead.removeFirst(absorbed.count)
            return
        }
        let first = settledAhead.partitioningIndex { $0.upperBound >= run.lowerBound }
        var merged = run
        var end = first
        while end < settledAhead.count, settledAhead[end].lowerBound <= run.upperBound {
            merged =
                min(
                    merged.lowerBound, settledAhead[end].lowerBound)..<max(
                    merged.upperBound, settledAhead[end].upperBound)
            end += 1
        }
        settledAhead.replaceSubrange(first..<end, with: CollectionOfOne(merged))
    }
}

extension Array {
    /// The first index whose element satisfies `predicate`, where all that satisfy it come last.
    fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
