#if Configuration
import AfterCommit
import Configuration

/// Reads settings, and tells those that are wrong from those that are absent: a `ConfigReader` by itself gives the default
/// for either.
struct Settings {
    private let reader: ConfigReader

    init(_ reader: ConfigReader) {
        self.reader = reader
    }

    func int(_ key: String, orElse standard: Int) throws(ConfigurationError) -> Int {
        try value(key, reader.int(forKey: ConfigKey(key)), expected: "a whole number") ?? standard
    }

    func optionalInt(_ key: String) throws(ConfigurationError) -> Int? {
        try value(key, reader.int(forKey: ConfigKey(key)), expected: "a whole number")
    }

    func double(_ key: String, orElse standard: Double) throws(ConfigurationError) -> Double {
        let number = reader.double(forKey: ConfigKey(key)) ?? reader.int(forKey: ConfigKey(key)).map(Double.init)
        return try value(key, number, expected: "a number") ?? standard
    }

    func bool(_ key: String, orElse standard: Bool) throws(ConfigurationError) -> Bool {
        try value(key, reader.bool(forKey: ConfigKey(key)), expected: "true or false") ?? standard
    }

    func string(_ key: String) throws(ConfigurationError) -> String? {
        try value(key, reader.string(forKey: ConfigKey(key)), expected: "a string")
    }

    func duration(_ key: String, orElse standard: Duration) throws(ConfigurationError) -> Duration {
        try optionalDuration(key) ?? standard
    }

    /// Seconds where it is a number, as swift-configuration reads a `Duration`.
    func optionalDuration(_ key: String) throws(ConfigurationError) -> Duration? {
        let config = ConfigKey(key)
        let number = reader.int(forKey: config).map(Double.init) ?? reader.double(forKey: config)
        let read =
            if let number { Duration(setting: number, of: .seconds(1)) } else {
                reader.string(forKey: config).flatMap { Duration(setting: $0) }
            }
        return try value(key, read, expected: "seconds, or a duration such as 250ms, 30s, 5m, 24h or 7d")
    }

    /// One of several words.
    func choice<T>(_ key: String, _ choices: KeyValuePairs<String, T>) throws(ConfigurationError) -> T? {
        guard let word = try string(key) else { return nil }
        guard let choice = choices.first(where: { $0.key == word }) else {
            throw ConfigurationError(key, expected: "one of " + choices.map(\.key).joined(separator: ", "))
        }
        return choice.value
    }

    private func value<T>(_ key: String, _ read: T?, expected: String) throws(ConfigurationError) -> T? {
        if let read { return read }
        guard !isPresent(ConfigKey(key)) else { throw ConfigurationError(key, expected: expected) }
        return nil
    }

    /// Whether there is a value of any type.
    private func isPresent(_ key: ConfigKey) -> Bool {
        reader.string(forKey: key) != nil || reader.int(forKey: key) != nil || reader.double(forKey: key) != nil
            || reader.bool(forKey: key) != nil || reader.stringArray(forKey: key) != nil
            || reader.intArray(forKey: key) != nil || reader.doubleArray(forKey: key) != nil
            || reader.boolArray(forKey: key) != nil
    }
}
#endif
