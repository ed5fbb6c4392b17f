import Synchronization

/// What a handler emits through its context, until its attempt has ended.
///
/// A lane has one for all its attempts, so that an attempt which emits nothing pays for an increment only.
package final class EmissionBuffer: Sendable {
    private let emissions = Locked<[Emission]>([])
    /// The attempt that may emit.
    private let current = Atomic<UInt64>(0)
    private let isUsed = Atomic(false)

    package init() {}

    /// The number of the attempt that may emit now.
    package var attempt: UInt64 { current.load(ordering: .relaxed) }

    func append(_ emission: Emission, attempt: UInt64) throws(EmitError) {
        // Said before the attempt is compared: either its end sees this, or this sees its end.
        isUsed.store(true, ordering: .sequentiallyConsistent)
        try emissions.withLock { emissions throws(EmitError) in
            guard current.load(ordering: .sequentiallyConsistent) == attempt else { throw EmitError.attemptEnded }
            emissions.append(emission)
        }
    }

    /// Ends the attempt and takes what it emitted; whoever still emits for it is refused.
    package func end() -> [Emission] {
        current.wrappingAdd(1, ordering: .sequentiallyConsistent)
        guard isUsed.load(ordering: .sequentiallyConsistent) else { return [] }
        return emissions.withLock { emissions in
            isUsed.store(false, ordering: .sequentiallyConsistent)
            defer { emissions = [] }
            return emissions
        }
    }
}
