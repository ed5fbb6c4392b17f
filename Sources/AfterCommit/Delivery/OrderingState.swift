import DequeModule

/// Which deliveries with an ordering key may run: one of a key at a time, in commit order. A pure value.
///
/// Behind a running head, followers are held in memory up to a bound; behind one that will take long (retrying, dead),
/// and past the bound, they are settled as blocked, so that the cursor goes on.
package struct OrderingState: Sendable {
    /// What to do with a delivery that was claimed.
    package enum Admission: Sendable, Equatable {
        case run
        /// Kept here until its turn.
        case held
        /// To be settled as blocked.
        case block
    }

    /// What to do after a head has ended.
    package struct Next: Sendable {
        /// These may run now.
        package var run: [ClaimedDelivery] = []
        /// These are to be settled as blocked.
        package var block: [ClaimedDelivery] = []
        /// Blocked deliveries of this key are to be claimed.
        package var claimBlocked: String?
    }

    /// How a head ended.
    package enum HeadOutcome: Sendable, Equatable {
        case done
        case retrying
        case dead(blocksKey: Bool)
    }

    private enum Head: Sendable, Equatable {
        case none
        case running(UInt64)
        case retrying(UInt64)
        case dead(UInt64)
    }

    private struct Line: Sendable {
        var head = Head.none
        var held: Deque<ClaimedDelivery> = []
        var blocked = 0
        /// A dead letter that blocks the key behind a head which comes before it.
        var laterDead: UInt64?
        /// After a restart: the first that is stored as blocked. What comes before it is the key's head.
        var firstBlocked: UInt64?
    }

    private var lines: [String: Line] = [:]
    /// Keys of which it is not known yet whether they have a head.
    private var headless: Set<String> = []
    private let maxHeld: Int
    /// Whether the storage hands out what it stored as blocked when its turn has come. Then nothing is remembered of keys
    /// whose head is not in hand: another process may have it. It is in hand until its outcome is stored.
    private let storageOrdersKeys: Bool
    package private(set) var heldCount = 0
    package private(set) var blockedCount = 0

    package init(
        maxHeld: Int, storageOrdersKeys: Bool = false, places: [SubscriptionPlace.OrderedKey] = []
    ) {
        self.maxHeld = maxHeld
        self.storageOrdersKeys = storageOrdersKeys
        for place in places {
            var line = Line(blocked: place.blocked)
            switch (place.retrying, place.dead) {
            case (let retrying?, let dead?) where retrying < dead:
                line.head = .retrying(retrying)
                line.laterDead = dead
            case (_, let dead?): line.head = .dead(dead)
            case (let retrying?, nil): line.head = .retrying(retrying)
            case (nil, nil): break
            }
            if line.head == .none, line.blocked > 0 {
                line.firstBlocked = place.firstBlocked
                headless.insert(place.key)
            }
            lines[place.key] = line
            blockedCount += place.blocked
        }
    }

    /// Whether keys wait for what was running before a restart: it comes again, before those blocked behind it.
    package var awaitsHeads: Bool { !headless.isEmpty }

    /// Every delivery below `sequence` has been handed out again.
    /// - Returns: keys that have no head after all: their blocked deliveries are to be claimed.
    package mutating func reached(_ sequence: UInt64) -> [String] {
        guard !headless.isEmpty else { return [] }
        let decided = headless.filter { sequence >= lines[$0]?.firstBlocked ?? 0 }
        headless.subtract(decided)
        for key in decided { lines[key]?.firstBlocked = nil }
        return decided.filter { lines[$0]?.head == Head.none && lines[$0]?.blocked ?? 0 > 0 }
    }

    /// What keys wait for: dead letters, and what is to be tried again.
    package var awaited: [UInt64] {
        var awaited = lines.values.compactMap(\.laterDead)
        for line in lines.values {
            switch line.head {
            case .dead(let sequence), .retrying(let sequence): awaited.append(sequence)
            case .none, .running: break
            }
        }
        return awaited
    }

    /// The key that waits for this delivery.
    package func key(ofHead sequence: UInt64) -> String? {
        lines.first { _, line in line.head == .retrying(sequence) || line.head == .dead(sequence) }?.key
    }

    package mutating func admit(_ delivery: ClaimedDelivery) -> Admission {
        guard let key = delivery.box.envelope.orderingKey else { return .run }
        var line = lines[key] ?? Line()
        defer { lines[key] = line }
        // Redriven: it comes among the others now.
        if line.laterDead == delivery.sequence { line.laterDead = nil }
        switch line.head {
        case .none where line.blocked == 0 || delivery.sequence < line.firstBlocked ?? 0:
            line.head = .running(delivery.sequence)
            return .run
        case .retrying(delivery.sequence), .dead(delivery.sequence), .running(delivery.sequence):
            line.head = .running(delivery.sequence)
            return .run
        case .running where line.blocked == 0 && heldCount < maxHeld:
            line.held.append(delivery)
            heldCount += 1
            return .held
        case .none, .running, .retrying, .dead:
            guard !storageOrdersKeys else { return .block }
            line.blocked += 1
            blockedCount += 1
            if let first = line.firstBlocked { line.firstBlocked = min(first, delivery.sequence) }
            return .block
        }
    }

    /// Takes deliveries that were blocked and have been claimed, in order.
    package mutating func admitBlocked(_ deliveries: [ClaimedDelivery], key: String) -> Next {
        guard var line = lines[key] else { return Next() }
        line.blocked -= deliveries.count
        blockedCount -= deliveries.count
        line.held.append(contentsOf: deliveries)
        heldCount += deliveries.count
        // Fewer than were counted: the storage knows better.
        if deliveries.isEmpty {
            blockedCount -= line.blocked
            line.blocked = 0
        }
        return advance(line, key: key)
    }

    /// The head of `key` has ended.
    package mutating func end(key: String, sequence: UInt64, outcome: HeadOutcome) -> Next {
        guard var line = lines[key], line.head == .running(sequence) else { return Next() }
        switch outcome {
        case .done, .dead(blocksKey: false):
            line.head = .none
            return advance(line, key: key)
        case .retrying:
            line.head = .retrying(sequence)
        case .dead(blocksKey: true):
            line.head = .dead(sequence)
        }
        return block(held: line, key: key)
    }

    private mutating func block(held: Line, key: String) -> Next {
        var line = held
        let block = line.held.map { $0 }
        heldCount -= block.count
        line.held = []
        if !storageOrdersKeys {
            line.blocked += block.count
            blockedCount += block.count
        }
        lines[key] = line
        return Next(block: block)
    }

    /// These outcomes are in the storage. Before that a storage that orders keys takes the head for one in hand, and hands out
    /// those behind it.
    package mutating func stored(_ settlements: [Settlement]) {
        guard storageOrdersKeys else { return }
        for settlement in settlements {
            guard let key = settlement.delivery.envelope.orderingKey else { continue }
            let sequence = settlement.delivery.sequence
            switch lines[key]?.head {
            case .retrying(sequence), .dead(sequence): lines[key] = nil
            case .retrying, .dead, .running, Head.none?, nil: break
            }
        }
    }

    /// A dead letter that blocked its key is gone, or a retrying delivery was settled otherwise.
    package mutating func unblock(sequences: Set<UInt64>) -> [Next] {
        let freed = lines.compactMap { key, line -> String? in
            switch line.head {
            case .dead(let sequence), .retrying(let sequence): sequences.contains(sequence) ? key : nil
            case .none, .running: nil
            }
        }
        for (key, line) in lines where line.laterDead.map({ sequences.contains($0) }) == true {
            lines[key]?.laterDead = nil
        }
        return freed.compactMap { key in
            guard var line = lines[key] else { return nil }
            line.head = .none
            return advance(line, key: key)
        }
    }

    /// Deliveries that were stored as blocked are settled otherwise.
    package mutating func forgetBlocked(_ deliveries: [ClaimedDelivery]) {
        for delivery in deliveries {
            guard let key = delivery.box.envelope.orderingKey, var line = lines[key], line.blocked > 0 else { continue }
            line.blocked -= 1
            blockedCount -= 1
            let isEmpty = line.head == .none && line.blocked == 0 && line.held.isEmpty
            lines[key] = isEmpty ? nil : line
            if isEmpty { headless.remove(key) }
        }
    }

    /// Gives up what is held, for a shutdown.
    package mutating func takeHeld() -> [ClaimedDelivery] {
        defer { heldCount = 0 }
        return lines.keys.flatMap { key in
            let held = lines[key]?.held.map { $0 } ?? []
            lines[key]?.held = []
            return held
        }
    }

    /// Gives up some of what is held, for a cancellation.
    package mutating func takeHeld(_ sequences: Set<UInt64>) -> [ClaimedDelivery] {
        var taken: [ClaimedDelivery] = []
        for (key, line) in lines where line.held.contains(where: { sequences.contains($0.sequence) }) {
            taken += line.held.filter { sequences.contains($0.sequence) }
            lines[key]?.held.removeAll { sequences.contains($0.sequence) }
        }
        heldCount -= taken.count
        return taken
    }

    private mutating func advance(_ advanced: Line, key: String) -> Next {
        var line = advanced
        if line.head == .none, let dead = line.laterDead {
            line.laterDead = nil
            line.head = .dead(dead)
            return block(held: line, key: key)
        }
        if line.head == .none, let next = line.held.popFirst() {
            heldCount -= 1
            line.head = .running(next.sequence)
            lines[key] = line
            return Next(run: [next])
        }
        if line.head == .none, line.blocked > 0 {
            lines[key] = line
            // Not before all that came ahead of them were handed out.
            return headless.contains(key) ? Next() : Next(claimBlocked: key)
        }
        lines[key] = line.head == .none ? nil : line
        return Next()
    }
}
