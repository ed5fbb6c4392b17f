#if Example
import ArgumentParser
@testable import PlaceOrder
import Testing

@Suite("Arguments")
struct ArgumentTests {
    @Test(
        "durations",
        arguments: [
            ("20ms", .milliseconds(20)), ("2s", .seconds(2)), ("1.5s", .milliseconds(1_500)), ("0ms", .zero),
            ("3m", .seconds(180)), ("250us", .microseconds(250)), ("", nil), ("5", nil), ("s", nil), ("-1s", nil),
            ("1e9s", nil), ("2 s", nil), ("1.2.3s", nil), ("90000s", nil), ("infs", nil), (".5s", nil), ("٣s", nil),
        ] as [(String, Duration?)])
    func durations(text: String, expected: Duration?) {
        #expect(DurationText.duration(text) == expected)
    }

    @Test(
        "outages",
        arguments: [
            ("2s..15s", .seconds(2)..<(.seconds(15))), ("0ms..1.5s", .zero..<(.milliseconds(1_500))),
            ("15s..2s", nil), ("2s..2s", nil), ("2s", nil), ("2s..", nil), ("..2s", nil), ("2s...5s", nil),
        ] as [(String, Range<Duration>?)])
    func outages(text: String, expected: Range<Duration>?) {
        #expect(DurationText.range(text) == expected)
    }

    @Test("the platform's timeout comes from the environment")
    func timeout() throws {
        #expect(try PlatformTimeout.duration(environment: [:]) == .seconds(3))
        #expect(try PlatformTimeout.duration(environment: [PlatformTimeout.variable: "250"]) == .milliseconds(250))
        for bad in ["", "0", "-1", "3s", "600001", "99999999999999999999"] {
            #expect(throws: ValidationError.self) {
                try PlatformTimeout.duration(environment: [PlatformTimeout.variable: bad])
            }
        }
    }

    @Test("run has the defaults of the reference flow")
    func defaults() throws {
        let run = try #require(try PlaceOrderCommand.parseAsRoot([]) as? RunCommand)
        #expect(run.orders == 200)
        #expect(run.concurrency == 16)
        #expect(try run.store.choice() == .memory)
        #expect(run.platform.knobs == PlatformKnobs(latency: .milliseconds(25)))
        #expect(!run.json)
    }

    #if Postgres
    @Test("every command with a store takes a lease")
    func leases() throws {
        let arguments = [
            "--storage", "outbox", "--database", "postgres", "--database-url", "postgresql://127.0.0.1/shop", "--lease",
            "1500ms",
        ]
        let parsed = [
            try RunCommand.parse(arguments).store, try ServeCommand.parse(arguments).store,
            try ResumeCommand.parse(arguments).store, try RelayCommand.parse(arguments).store,
        ]
        // Swift's runtime copies an optional onto itself when a key path goes on from it; the Address Sanitizer stops there.
        #expect(parsed.map { $0.lease?.duration } == Array(repeating: .milliseconds(1_500), count: 4))
        #expect(try RunCommand.parse([]).store.lease == nil)
    }
    #endif

    @Test("run takes what it is given")
    func given() throws {
        let run = try RunCommand.parse([
            "--storage", "outbox", "--database", "lmdb", "--store", "/tmp/shop", "--orders", "9",
            "--platform-latency",
            "2ms", "--platform-error-rate", "0.25", "--platform-outage", "2s..15s", "--json",
        ])
        #expect(try run.store.choice() == .outbox(.lmdb(path: "/tmp/shop")))
        #expect(
            run.platform.knobs
                == PlatformKnobs(
                    latency: .milliseconds(2), errorRate: 0.25, outage: .seconds(2)..<(.seconds(15))))
    }

    @Test(
        "run refuses what cannot be",
        arguments: [
            ["--store", "/tmp/shop"], ["--orders", "-1"], ["--concurrency", "0"], ["--platform-error-rate", "1.5"],
            ["--platform-error-rate", "nan"], ["--platform-outage", "9s..2s"], ["--platform-latency", "5"],
            ["--storage", "paper"], ["--database", "paper", "--storage", "outbox"],
            ["--storage", "outbox", "--database-url", "postgresql://127.0.0.1"], ["--without-delivery"],
            ["--storage", "outbox", "--without-delivery"], ["--storage", "outbox", "--database", "postgres"],
            ["--log-level", "loud"], ["--database", "sqlite"], ["--storage", "outbox", "--lease", "5s"],
            ["--platform-url", "http://127.0.0.1:1", "--platform-latency", "5ms"],
        ])
    func refused(arguments: [String]) {
        #expect(throws: (any Error).self) { try RunCommand.parse(arguments) }
    }
}
#endif
