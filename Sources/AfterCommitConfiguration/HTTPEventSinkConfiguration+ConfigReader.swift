#if Configuration && HTTP
public import AfterCommitHTTP
public import Configuration

extension HTTPEventSinkConfiguration {
    /// Reads a sink's settings; what is absent has its default. Headers, which hold secrets, and clocks are set in code.
    ///
    /// Keys: `timeout`, `maxResponseBodyBytes`, `eventTypePrefix`, `source`.
    /// - Throws: ``ConfigurationError`` for a value that is not what its key needs.
    public init(_ config: ConfigReader) throws(ConfigurationError) {
        let settings = Settings(config)
        self.init()
        timeout = try settings.duration("timeout", orElse: timeout)
        maxResponseBodyBytes = try settings.int("maxResponseBodyBytes", orElse: maxResponseBodyBytes)
        eventTypePrefix = try settings.string("eventTypePrefix") ?? eventTypePrefix
        source = try settings.string("source") ?? source
    }
}
#endif
