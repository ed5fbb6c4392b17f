/// One promise of the engine, checked on one storage.
public struct ConformanceCase: Sendable, CustomStringConvertible {
    /// The line of the contract it checks.
    public let line: ContractLine
    /// What it checks, as a sentence without its subject's name.
    public let name: String
    /// What a storage must be able to do for this to apply.
    public let requires: ConformanceCapabilities
    let body: @Sendable (ConformanceRun) async throws -> Void

    init(
        _ line: ContractLine, _ name: String, requires: ConformanceCapabilities = [],
        body: @escaping @Sendable (ConformanceRun) async throws -> Void
    ) {
        self.line = line
        self.name = name
        self.requires = requires
        self.body = body
    }

    public var description: String { "\(line.rawValue). \(line): \(name)" }
}

/// The lines of the contract that the suite checks, by their numbers in the guarantees.
///
/// | line | what it promises |
/// |---|---|
/// | 1 | what is emitted is deliverable if and only if its transaction, its attempt or its scope succeeded |
/// | 2 | each event reaches each subscription at least once |
/// | 3 | one subscription's failure neither repeats nor delays another's |
/// | 4 | one ordering key: in commit order, one at a time |
/// | 5 | attempts are numbered, spaced and bounded; rules and interceptors steer them |
/// | 6 | parking costs no attempt and writes no row |
/// | 7 | an attempt that outlives its timeout failed, and its late result is refused |
/// | 8 | cancellation has four meanings, and none is success |
/// | 9 | a spent budget makes a dead letter of its own kind, and never one that was not tried |
/// | 10 | what was acknowledged is there after a crash, with its attempts |
/// | 11 | an outcome that comes too late is refused and counted |
/// | 12 | bytes that cannot be read are dead, events of tomorrow are parked |
/// | 13 | dead letters keep what happened, and are told of once |
/// | 14 | dead letters are put back one by one or by filter, dry or at a rate |
/// | 15 | one key for all attempts; a deduplication key stores one event |
/// | 16 | the inbox: once for a key, with its result and its steps |
/// | 17 | a full storage says so, loses nothing, and goes on settling |
/// | 18 | outcomes that cannot be settled are kept |
/// | 19 | a shutdown ends in bounded time and gives back what it did not finish |
/// | 20 | a configuration that would lose data does not start |
/// | 21 | a wall clock that jumps loses nothing and stops nothing |
/// | 22 | new subscriptions start now or at the beginning; those that are gone are reported |
/// | 23 | delayed events come at their moment, not before |
public enum ContractLine: Int, Sendable, Hashable, CaseIterable {
    case afterCommit = 1
    case atLeastOnce = 2
    case independentSubscriptions = 3
    case order = 4
    case attempts = 5
    case parking = 6
    case deadline = 7
    case cancellation = 8
    case budget = 9
    case crash = 10
    case leases = 11
    case poison = 12
    case deadLetters = 13
    case redrive = 14
    case idempotencyKey = 15
    case inbox = 16
    case backpressure = 17
    case settlingFails = 18
    case shutdown = 19
    case configuration = 20
    case time = 21
    case replay = 22
    case delayedEvents = 23
}

/// A promise that was not kept.
public struct ConformanceFailure: Error, CustomStringConvertible {
    public let description: String
}

/// Fails the case unless `condition` holds.
func require(
    _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID,
    line: UInt = #line
) throws {
    guard condition else {
        throw ConformanceFailure(description: "\(message()) (\(file):\(line))")
    }
}

/// Fails the case unless both are equal.
func requireEqual<T: Equatable>(
    _ actual: T, _ expected: T, _ message: @autoclosure () -> String = "",
    file: StaticString = #fileID, line: UInt = #line
) throws {
    try require(
        actual == expected, "expected \(expected), found \(actual) \(message())", file: file,
        line: line)
}

/// Fails the case unless `body` throws an error that `matches`.
func requireThrows(
    _ message: String, matching matches: (any Error) -> Bool = { _ in true },
    file: StaticString = #fileID, line: UInt = #line, _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch {
        try require(matches(error), "\(message), but threw \(error)", file: file, line: line)
        return
    }
    throw ConformanceFailure(description: "\(message), but nothing was thrown (\(file):\(line))")
}
