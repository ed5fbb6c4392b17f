public import AfterCommit

/// Checks that a storage keeps the engine's promises. It needs no test framework: a case that fails throws.
///
/// ```swift
/// let suite = ConformanceSuite(capabilities: [.outbox, .durable]) { options in
///     try MyStorage(envelopes: options.envelopes)
/// }
/// @Test(arguments: suite.cases) func conformance(_ promise: ConformanceCase) async throws {
///     try await suite.run(promise)
/// }
/// ```
public struct ConformanceSuite: Sendable {
    /// What a case asks of the storage it is given.
    public struct StorageOptions: Sendable {
        /// Puts events into envelopes, dated by the case's own clock.
        public var envelopes: EnvelopeFactory
        /// Whether a test must be able to fill it with some thousand events of 1 KB.
        public var isSmall: Bool
    }

    /// What the storage claims to do.
    public let capabilities: ConformanceCapabilities
    let makeStorage: @Sendable (StorageOptions) async throws -> any ConformanceStorage
    let reopen: @Sendable (any ConformanceStorage, StorageOptions) async throws -> any ConformanceStorage
    let close: @Sendable (any ConformanceStorage) async throws -> Void

    /// - Parameters:
    ///   - capabilities: what the storage claims to do.
    ///   - makeStorage: makes a new, empty storage.
    ///   - reopen: ends a storage as the end of its process would, and opens what it left. Needed for ``ConformanceCapabilities/durable``.
    ///     Cases do not wait for leases: what the old one had claimed must be claimable at once.
    ///   - close: ends a storage and removes what it left.
    public init(
        capabilities: ConformanceCapabilities,
        makeStorage: @escaping @Sendable (StorageOptions) async throws -> any ConformanceStorage,
        reopen: @escaping @Sendable (any ConformanceStorage, StorageOptions) async throws -> any ConformanceStorage = {
            storage, _ in storage
        },
        close: @escaping @Sendable (any ConformanceStorage) async throws -> Void = { _ in }
    ) {
        self.capabilities = capabilities
        self.makeStorage = makeStorage
        self.reopen = reopen
        self.close = close
    }

    /// All cases, whatever a storage claims.
    public static let allCases: [ConformanceCase] =
        afterCommitChapter + deliveryChapter + failureChapter + deadLetterChapter + operationChapter

    private static let afterCommitChapter =
        afterCommitCases + scopeCases + emittingCases + transactionalCases + statusColumnCases + settledRowCases
        + needsOutboxCases
    private static let deliveryChapter =
        deliveryCases + orderCases + attemptCases + steeringCases + parkingCases + deadlineCases + cancellingCases
        + budgetCases
    private static let failureChapter = crashCases + fencingCases + poisonCases
    private static let deadLetterChapter =
        deadLetterCases + exhaustionCases + redriveCases + compensationCases
        + compensationCommitCases
    private static let operationChapter =
        deduplicationCases + inboxCases + receivingCases + backpressureCases + roomCases + engineCases
        + refusedConfigurationCases + timeCases + replayCases + delayedCases

    /// The cases that apply to this storage.
    public var cases: [ConformanceCase] {
        Self.allCases.filter { capabilities.isSuperset(of: $0.requires) }
    }

    /// Runs one case on a storage of its own.
    /// - Throws: ``ConformanceFailure`` where a promise is broken; any error the storage threw.
    public func run(_ promise: ConformanceCase) async throws {
        let run = ConformanceRun(suite: self)
        do {
            try await promise.body(run)
        } catch {
            try await run.closeAll()
            throw error
        }
        try await run.closeAll()
    }
}
