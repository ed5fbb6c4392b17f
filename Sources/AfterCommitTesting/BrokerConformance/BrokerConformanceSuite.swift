public import AfterCommit

/// Checks that a sink and a source of one broker keep the promises that relays and consumers build on. It needs no test
/// framework: a case that fails throws.
///
/// ```swift
/// let suite = BrokerConformanceSuite { try await MyBroker.start() }
/// @Test(arguments: suite.cases) func conformance(_ promise: BrokerConformanceCase) async throws {
///     try await suite.run(promise)
/// }
/// ```
public struct BrokerConformanceSuite: Sendable {
    let makeBroker: @Sendable () async throws -> any ConformanceBroker

    /// - Parameter makeBroker: makes a new, empty destination and what reaches it, for each case.
    public init(makeBroker: @escaping @Sendable () async throws -> any ConformanceBroker) {
        self.makeBroker = makeBroker
    }

    /// All cases.
    public let cases: [BrokerConformanceCase] = sinkCases + sourceCases + flowCases

    /// Runs one case.
    /// - Throws: ``ConformanceFailure`` where a promise is broken; any error the broker threw.
    public func run(_ promise: BrokerConformanceCase) async throws {
        let run = BrokerRun(broker: try await makeBroker())
        let result: Result<Void, any Error>
        do {
            result = .success(try await promise.body(run))
        } catch {
            result = .failure(error)
        }
        await run.close()
        try result.get()
    }
}

/// One promise of sinks or sources.
public struct BrokerConformanceCase: Sendable, CustomStringConvertible {
    /// What it checks, as a sentence.
    public let description: String
    let body: @Sendable (BrokerRun) async throws -> Void

    init(_ description: String, body: @escaping @Sendable (BrokerRun) async throws -> Void) {
        self.description = description
        self.body = body
    }
}

/// A broker under test: one destination, a queue or a topic, that sinks send to and sources take from.
public protocol ConformanceBroker: Sendable {
    /// A new sink, connected or not.
    func makeSink() async throws -> any BatchEventSink
    /// A new source; all of one broker share the destination's messages.
    func makeSource() async throws -> any EventSource
    /// Ends a sink that ``makeSink()`` made.
    func close(_ sink: any BatchEventSink) async
    /// Puts a message there as a stranger does, with another client if there is one.
    func publish(_ message: ForeignMessage) async throws
    /// The bodies of messages that sources rejected, where the broker keeps them.
    func rejectedBodies() async throws -> [[UInt8]]
    /// Breaks all connections, as a restart of the broker does; what it had confirmed it still has.
    func interrupt() async throws
    /// Removes all of it.
    func close() async
}

/// A message that no sink of ours made.
public struct ForeignMessage: Sendable {
    public var body: [UInt8]
    public var contentType: String?
    /// CloudEvents attributes by their own names: the broker's binding says how they are carried.
    public var attributes: [String: String]
    public var key: String?

    public init(
        body: [UInt8], contentType: String? = nil, attributes: [String: String] = [:], key: String? = nil
    ) {
        self.body = body
        self.contentType = contentType
        self.attributes = attributes
        self.key = key
    }
}
