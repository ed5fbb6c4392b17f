#if Postgres
import AfterCommit
import AfterCommitPostgres
import AfterCommitTesting
import Testing

/// The contract where the rows have the events.
@Suite struct PostgresStatusConformanceTests {
    static let suite = ConformanceSuite(
        capabilities: [.durable, .boundsBlocked, .keepsHistory, .keepsFailures, .keepsHeaders, .statusColumn],
        makeStorage: { try await ConformanceDatabases.shared.make($0, events) },
        reopen: { storage, options in
            guard let storage = storage as? PostgresStorage else { return storage }
            return try await ConformanceDatabases.shared.reopen(storage, options)
        },
        close: { storage in
            guard let storage = storage as? PostgresStorage else { return }
            await ConformanceDatabases.shared.close(storage)
        })

    private static let events = PostgresStorage.Events.statusColumn(
        "conformance_rows", keyColumn: "key", key: { (event: ConformanceEvent) in .text(event.rowKey) },
        rebuild: { row in try ConformanceEvent(rowText: try row.text(try row.column("text"))) })

    @Test(.timeLimit(.minutes(5)), arguments: suite.cases)
    func conformance(_ promise: ConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}
#endif
