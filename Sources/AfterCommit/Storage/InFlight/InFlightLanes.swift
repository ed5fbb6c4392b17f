import Synchronization

/// The notes of one subscription's lanes. Lane numbers are small integers from 0; each gets a slot at its first use.
package final class InFlightLanes: AttemptJournal {
    private static let none: Int32 = -1
    private static let exhausted: Int32 = -2

    private let subscription: UInt32
    private let room: InFlightRoom
    private let memory: InFlightMemory
    /// For each run of lanes the first of its slots.
    private let chunks: LaneChunks
    private let growing = Locked(())

    init(subscription: UInt32, room: InFlightRoom) {
        self.subscription = subscription
        self.room = room
        memory = room.memory
        chunks = LaneChunks(count: InFlightImage.maxSlots / InFlightRoom.chunkSlots, value: Self.none)
    }

    /// A lane has begun an attempt.
    package func began(_ sequence: UInt64, lane: Int) {
        guard let slot = slot(lane) else { return }
        memory.put(
            InFlightSlot(subscription: subscription, sequence: sequence, kind: .running), in: slot)
    }

    /// A lane's attempt has ended, however.
    package func ended(lane: Int) {
        guard let slot = slot(lane) else { return }
        memory.clear(slot)
    }

    /// A suspect is tried with nothing beside it. Nothing happens for one that is none.
    package func beganAlone(_ sequence: UInt64) {
        room.setKind(.alone, of: key(sequence))
    }

    /// A suspect was given back untried, or its attempt was called off: it stays a suspect.
    package func released(_ sequence: UInt64) {
        room.setKind(.suspect, of: key(sequence))
    }

    /// A suspect has survived its attempt, or is settled otherwise.
    package func cleared(_ sequence: UInt64) {
        room.clear(key(sequence))
    }

    private func key(_ sequence: UInt64) -> InFlightFile.Suspect.Key {
        .init(subscription: subscription, sequence: sequence)
    }

    private func slot(_ lane: Int) -> Int? {
        let chunk = lane / InFlightRoom.chunkSlots
        guard lane >= 0, chunk < chunks.count else { return nil }
        var first = chunks[chunk].load(ordering: .acquiring)
        if first == Self.none { first = grow(chunk) }
        return first < 0 ? nil : Int(first) + lane % InFlightRoom.chunkSlots
    }

    private func grow(_ chunk: Int) -> Int32 {
        growing.withLock { _ in
            let first = chunks[chunk].load(ordering: .acquiring)
            guard first == Self.none else { return first }
            let new = room.takeChunk().map { Int32($0) } ?? Self.exhausted
            chunks[chunk].store(new, ordering: .releasing)
            return new
        }
    }
}

/// A fixed number of atomic integers.
final class LaneChunks: @unchecked Sendable {
    // Unchecked: the memory is only reached through atomic operations.
    private let pointer: UnsafeMutablePointer<Atomic<Int32>>
    let count: Int

    init(count: Int, value: Int32) {
        self.count = count
        pointer = .allocate(capacity: count)
        for index in 0..<count { (pointer + index).initialize(to: Atomic(value)) }
    }

    deinit {
        pointer.deinitialize(count: count)
        pointer.deallocate()
    }

    subscript(index: Int) -> Atomic<Int32> {
        _read { yield pointer[index] }
    }
}
