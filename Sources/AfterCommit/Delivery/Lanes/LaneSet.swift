/// A set of lanes by their numbers, from 0 on. It is changed many times for each delivery: up to 64 lanes are bits of one
/// word, and nothing is allocated for them.
struct LaneSet: Sendable, Equatable {
    private var first: UInt64 = 0
    /// Of the lanes from 64 on. It grows, and is never cut.
    private var others: [UInt64] = []

    var isEmpty: Bool { first == 0 && others.allSatisfy { $0 == 0 } }

    mutating func insert(_ lane: Int) {
        guard lane >= 64 else {
            first |= 1 << UInt64(lane)
            return
        }
        let index = lane / 64 - 1
        while others.count <= index { others.append(0) }
        others[index] |= 1 << UInt64(lane % 64)
    }

    mutating func remove(_ lane: Int) {
        guard lane >= 64 else {
            first &= ~(1 << UInt64(lane))
            return
        }
        let index = lane / 64 - 1
        if index < others.count { others[index] &= ~(1 << UInt64(lane % 64)) }
    }

    mutating func removeAll() {
        first = 0
        for index in others.indices { others[index] = 0 }
    }
}

extension LaneSet: Sequence {
    /// Gives the lanes of the set as it was, in order.
    struct Iterator: IteratorProtocol {
        private var word: UInt64
        private var base = 0
        private let others: [UInt64]

        fileprivate init(first: UInt64, others: [UInt64]) {
            word = first
            self.others = others
        }

        mutating func next() -> Int? {
            while word == 0 {
                guard base / 64 < others.count else { return nil }
                word = others[base / 64]
                base += 64
            }
            let bit = word.trailingZeroBitCount
            word &= word - 1
            return base + bit
        }
    }

    func makeIterator() -> Iterator { Iterator(first: first, others: others) }
}
