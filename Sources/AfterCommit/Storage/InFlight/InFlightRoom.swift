import Logging

/// Gives the slots of an in-flight file away, and knows those of the suspects.
final class InFlightRoom: Sendable {
    /// Slots are given away in runs of so many.
    static let chunkSlots = 64
    /// The file grows by so many slots, which is a few pages of memory.
    private static let growthSlots = 1_024

    private struct State {
        /// Slots below are given away.
        var usedSlots: Int
        /// Slots that the disk has granted.
        var grantedSlots: Int
        var suspects: [InFlightFile.Suspect.Key: Int]
        var isExhausted = false
    }

    let memory: InFlightMemory
    private let state: Locked<State>
    private let logger: Logger

    /// - Parameter suspects: they lie in the first slots, in this order.
    init(
        _ memory: InFlightMemory, grantedSlots: Int, suspects: [InFlightFile.Suspect], logger: Logger
    ) {
        self.memory = memory
        self.logger = logger
        let places = suspects.enumerated().map { ($0.element.key, $0.offset) }
        state = Locked(
            State(
                usedSlots: Self.chunks(suspects.count), grantedSlots: grantedSlots,
                suspects: Dictionary(uniqueKeysWithValues: places)))
    }

    /// How many slots a file begins with.
    static func slots(forSuspects count: Int) -> Int { chunks(count) + growthSlots }

    /// So many slots, in whole runs.
    private static func chunks(_ count: Int) -> Int {
        (count + chunkSlots - 1) / chunkSlots * chunkSlots
    }

    /// The first of a run of slots; `nil` where there is no room for more.
    func takeChunk() -> Int? {
        state.withLock { state in
            let end = state.usedSlots + Self.chunkSlots
            if end > state.grantedSlots {
                let wanted = min(state.grantedSlots + Self.growthSlots, InFlightImage.maxSlots)
                if end <= wanted, memory.grow(fromSlots: state.grantedSlots, to: wanted) { state.grantedSlots = wanted }
            }
            guard end <= state.grantedSlots else {
                if !state.isExhausted {
                    logger.warning(
                        "there is no room to note all deliveries in flight; after a crash some are not suspected",
                        metadata: [LogKey.count: "\(state.usedSlots)"])
                }
                state.isExhausted = true
                return nil
            }
            defer { state.usedSlots = end }
            return state.usedSlots
        }
    }

    /// Forgets what is running, and makes what is tried alone a suspect again.
    func end() {
        state.withLock { state in
            for slot in 0..<state.usedSlots {
                guard var note = memory.slot(slot) else { continue }
                switch note.kind {
                case .running: memory.clear(slot)
                case .alone:
                    note.kind = .suspect
                    memory.put(note, in: slot)
                case .free, .suspect: break
                }
            }
        }
    }

    // MARK: Suspects

    func setKind(_ kind: InFlightSlot.Kind, of key: InFlightFile.Suspect.Key) {
        state.withLock { state in
            guard let slot = state.suspects[key], var note = memory.slot(slot) else { return }
            note.kind = kind
            memory.put(note, in: slot)
        }
    }

    func clear(_ key: InFlightFile.Suspect.Key) {
        state.withLock { state in
            guard let slot = state.suspects.removeValue(forKey: key) else { return }
            memory.clear(slot)
        }
    }
}
