#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation

/// A row with a random key and an event in one transaction, each transaction able to fail alone.
struct BusinessLines: Chapter {
    static let rowBytes = 256

    private static let sequential = Line(
        "row and event, 1 sequential", .eventsPerSecond, ceiling: "a bare commit for each")
    private static let concurrent = Line(
        "row and event, 64 concurrent", .eventsPerSecond, ceiling: "bare, as many commits")
    private static let factor = Line(
        "row and event, 64 concurrent to 1 sequential", .times, ceiling: "bare 64 to bare 1",
        goal: .atLeast(12))

    private static let turns = 10
    private static let turnCount = 50
    private static let concurrentCount = 2_000
    private static let rows = Table<UUID, Data>.raw("rows")

    let lines = [sequential, concurrent, factor]
    private var stores: Stores?

    init() throws {}

    mutating func prepare() async throws { stores = try await Stores() }
    mutating func finish() async throws { try await stores?.close() }

    func round() async throws -> [Sample] {
        guard let stores else { return [] }
        let storage = stores.product
        var single = Rates()
        var many = Rates()
        for _ in 0..<Self.turns {
            try await single.add(Self.turnCount, commits: stores.commits) {
                for number in 0..<Self.turnCount { try await Self.place(number, storage) }
            } with: { commits in
                try stores.bare.writeRows(Self.turnCount, commits: commits)
            }
            try await many.add(Self.concurrentCount, commits: stores.commits) {
                try await inParallel(64, count: Self.concurrentCount) { number in
                    try await Self.place(number, storage)
                }
            } with: { commits in
                try stores.bare.writeRows(Self.concurrentCount, commits: commits)
            }
        }
        return [
            Sample(Self.sequential, single, showsCommits: false), Sample(Self.concurrent, many),
            Sample(Self.factor, many.ours / single.ours, ceiling: many.bare / single.bare),
        ]
    }

    private static func place(_ number: Int, _ storage: LMDBStorage) async throws {
        let key = UUID()
        let row = Data(repeating: 7, count: rowBytes)
        try await storage.transaction { tx in
            try tx.put(row, for: key, in: rows)
            try tx.emit(OrderPlaced(number: number))
        }
    }
}
#endif
