/// Lines that are measured together, because one is the other's measure or they share a store.
protocol Chapter {
    var lines: [Line] { get }

    /// What all rounds need, once.
    mutating func prepare() async throws
    /// One round of all lines.
    mutating func round() async throws -> [Sample]
    mutating func finish() async throws
}

extension Chapter {
    mutating func prepare() async throws {}
    mutating func finish() async throws {}
}

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension Int {
    /// The size of a part, where all parts together are this number and differ by one at most.
    func share(_ part: Int, of parts: Int) -> Int { (part + 1) * self / parts - part * self / parts }
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
}

/// Events a second.
func rate(_ count: Int, _ body: () async throws -> Void) async rethrows -> Double {
    Double(count) / (try await ContinuousClock().measure { try await body() }).seconds
}

/// Events a second of a loop on this thread.
func rateHere(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
    Double(count) / (try ContinuousClock().measure { try body() }).seconds
}

/// Runs `count` operations, `concurrency` at a time, each beginning when the one before it has returned.
func inParallel(
    _ concurrency: Int, count: Int, _ body: @escaping @Sendable (Int) async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<concurrency {
            group.addTask {
                for number in stride(from: task, to: count, by: concurrency) { try await body(number) }
            }
        }
        try await group.waitForAll()
    }
}
