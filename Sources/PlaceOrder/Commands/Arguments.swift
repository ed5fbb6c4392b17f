#if Example
import ArgumentParser
import Foundation
import Logging

/// A duration such as `20ms` or `2s`.
struct DurationArgument: ExpressibleByArgument, Sendable {
    var duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        guard let duration = DurationText.duration(argument) else { return nil }
        self.init(duration)
    }

    var defaultValueDescription: String { DurationText.text(duration) }
}

/// A time such as `2s..15s`.
struct TimeRangeArgument: ExpressibleByArgument, Sendable {
    var range: Range<Duration>

    init?(argument: String) {
        guard let range = DurationText.range(argument) else { return nil }
        self.range = range
    }
}

struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("What is logged to standard error: trace to critical.", valueName: "level"),
        transform: level)
    var logLevel = Logger.Level.notice

    private static func level(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else {
            throw ValidationError("--log-level is one of \(Logger.Level.allCases.map(\.rawValue)).")
        }
        return level
    }

    var logger: Logger { Output.logger(logLevel) }
}

/// How the built-in data platform misbehaves.
struct PlatformOptions: ParsableArguments {
    static let defaultKnobs = PlatformKnobs(latency: .milliseconds(25))

    @Option(help: ArgumentHelp("How long it takes for each event.", valueName: "duration"))
    var platformLatency = DurationArgument(defaultKnobs.latency)

    @Option(help: ArgumentHelp("The share of requests it fails with 500.", valueName: "0...1"))
    var platformErrorRate = 0.0

    @Option(help: ArgumentHelp("When it is down, from its start, such as 2s..15s.", valueName: "from..to"))
    var platformOutage: TimeRangeArgument?

    func validate() throws {
        guard (0...1).contains(platformErrorRate) else {
            throw ValidationError("--platform-error-rate is a probability from 0 to 1.")
        }
    }

    var knobs: PlatformKnobs {
        PlatformKnobs(
            latency: platformLatency.duration, errorRate: platformErrorRate, outage: platformOutage?.range)
    }
}

/// How long the data platform may take to answer, from the environment.
enum PlatformTimeout {
    static let variable = "MOCK_DATA_PLATFORM_TIMEOUT_MS"

    static func duration(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> Duration {
        guard let text = environment[variable] else { return .seconds(3) }
        guard let milliseconds = Int(text), (1...600_000).contains(milliseconds) else {
            throw ValidationError("\(variable) is a number of milliseconds from 1 to 600000, not '\(text)'.")
        }
        return .milliseconds(milliseconds)
    }
}
#endif
