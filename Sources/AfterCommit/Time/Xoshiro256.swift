/// A small, fast random number generator for jitter and ids (xoshiro256**, Blackman and Vigna 2018).
///
/// It is not for secrets. The same seed gives the same numbers, which is what lets a test replay a run.
public struct Xoshiro256: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// - Parameter seed: spread over the state by SplitMix64, as its authors advise.
    public init(seed: UInt64) {
        var seed = seed
        func split() -> UInt64 {
            seed &+= 0x9E37_79B9_7F4A_7C15
            var mixed = seed
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
        state = (split(), split(), split(), split())
    }

    private init(state: (UInt64, UInt64, UInt64, UInt64)) {
        self.state = state
    }

    /// A generator whose whole state comes from the system's random source.
    public static func seededFromSystem() -> Self {
        var system = SystemRandomNumberGenerator()
        // A state of all zeros would stay there.
        return Self(state: (system.next() | 1, system.next(), system.next(), system.next()))
    }

    public mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = (state.3 << 45) | (state.3 >> 19)
        return result
    }
}
