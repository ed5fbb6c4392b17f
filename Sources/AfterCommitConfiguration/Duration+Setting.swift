#if Configuration
extension Duration {
    private static let units: KeyValuePairs<String, Duration> = [
        "ms": .milliseconds(1), "s": .seconds(1), "m": .seconds(60), "h": .seconds(3600), "d": .seconds(86_400),
    ]

    /// Reads a number with a unit: `250ms`, `1.5s`, `5m`, `24h`, `7d`.
    init?(setting text: String) {
        // The first unit that fits wins: "ms" is asked before "s".
        for (name, unit) in Self.units where text.hasSuffix(name) {
            guard let number = Double(text.dropLast(name.count)) else { return nil }
            self.init(setting: number, of: unit)
            return
        }
        return nil
    }

    /// `nil` for a number that no duration holds, such as one that is infinite.
    init?(setting number: Double, of unit: Duration) {
        guard number.isFinite, (number * (unit / .seconds(1))).magnitude < 1e15 else { return nil }
        let whole = number.rounded(.towardZero)
        // A large duration times a fraction would lose its last digits.
        self = unit * Int(whole) + unit * (number - whole)
    }
}
#endif
