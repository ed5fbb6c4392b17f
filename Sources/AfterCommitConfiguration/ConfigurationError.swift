#if Configuration
/// A setting that cannot be read as what it must be.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    /// The setting's key, as its reader was asked for it: `breaker.openDuration`.
    public let key: String
    /// What is expected there.
    public let expected: String

    package init(_ key: String, expected: String) {
        self.key = key
        self.expected = expected
    }

    public var description: String { "the setting '\(key)' must be \(expected)" }
}
#endif
