#if Configuration && LMDB
public import AfterCommitLMDB
public import Configuration

extension LMDBStorage.Configuration {
    /// Reads a store's limits; what is absent has its default.
    ///
    /// Keys: `maxBytes`, `settleReserveBytes`, `mapReserveBytes`, `retention`, `maxRetainedBytes`, `maxTables`,
    /// `settleDelay`. Durations are seconds, or texts such as `5ms`, `24h`.
    /// - Throws: ``ConfigurationError`` for a value that is not what its key needs.
    public init(_ config: ConfigReader) throws(ConfigurationError) {
        let settings = Settings(config)
        self.init()
        maxBytes = try settings.int("maxBytes", orElse: maxBytes)
        settleReserveBytes = try settings.int("settleReserveBytes", orElse: settleReserveBytes)
        mapReserveBytes = try settings.int("mapReserveBytes", orElse: mapReserveBytes)
        retention = try settings.duration("retention", orElse: retention)
        maxRetainedBytes = try settings.int("maxRetainedBytes", orElse: maxRetainedBytes)
        maxTables = try settings.int("maxTables", orElse: maxTables)
        settleDelay = try settings.duration("settleDelay", orElse: settleDelay)
    }
}
#endif
