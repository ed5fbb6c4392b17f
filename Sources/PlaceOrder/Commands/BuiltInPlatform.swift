#if Example
import ArgumentParser
import Logging

/// The data platform a command talks to: the one that was named, or one of its own.
enum BuiltInPlatform {
    typealias Stats = @Sendable () async -> MockDataPlatform.Stats?

    /// - Throws: `ValidationError` where knobs are given for a platform that is not ours to turn.
    static func check(url: String?, options: PlatformOptions) throws {
        guard url == nil || options.knobs == PlatformOptions.defaultKnobs else {
            throw ValidationError(
                "--platform-latency, --platform-error-rate and --platform-outage are for the built-in platform; "
                    + "give them to 'place-order platform', or PUT them to its /mock/knobs.")
        }
    }

    static func with<R: Sendable>(
        url: String?, options: PlatformOptions, logger: Logger, _ body: (String, @escaping Stats) async throws -> R
    ) async throws -> R {
        if let url {
            return try await body(url, { await MockDataPlatform.stats(at: url) })
        }
        let mock = MockDataPlatform(knobs: options.knobs)
        let server = HTTPServer(mock.router(), logger: logger)
        return try await withServices([server], logger: logger) {
            try await body("http://127.0.0.1:\(try await server.port())", { await mock.stats })
        }
    }
}
#endif
