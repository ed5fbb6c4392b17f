#if LMDB
import AfterCommit
public import AfterCommitLMDB
import AfterCommitTesting
import Foundation
import Testing

extension LMDBStorage {
    public func status(ofRow key: String) async throws -> String? {
        try await status(of: key, in: .conformanceRows)?.state.rawValue
    }
}

/// The contract where the rows have the events.
@Suite struct LMDBStatusConformanceTests {
    static let suite = ConformanceSuite(
        capabilities: [
            .limited, .durable, .boundsBlocked, .keepsHistory, .keepsFailures, .keepsHeaders, .statusColumn,
        ],
        makeStorage: { options in
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("conformance-\(UUID()).lmdb")
            return try open(folder.path, options)
        },
        reopen: { storage, options in
            guard let storage = storage as? LMDBStorage else { return storage }
            await storage.close()
            return try open(storage.path, options)
        },
        close: { storage in
            guard let storage = storage as? LMDBStorage else { return }
            await storage.close()
            try FileManager.default.removeItem(atPath: storage.path)
        })

    private static func open(_ path: String, _ options: ConformanceSuite.StorageOptions) throws -> LMDBStorage {
        // Many stores are open at once, and a sanitizer leaves less address space.
        let configuration: LMDBStorage.Configuration =
            options.isSmall
            ? .init(maxBytes: 4 << 20, mapReserveBytes: 1 << 30) : .init(mapReserveBytes: 1 << 30)
        return try LMDBStorage(
            path: path,
            events: .statusColumn(
                .conformanceRows, key: { (event: ConformanceEvent) in event.rowKey },
                rebuild: { _, text in try ConformanceEvent(rowText: text) }),
            configuration: configuration, envelopes: options.envelopes)
    }

    @Test(.timeLimit(.minutes(5)), arguments: suite.cases)
    func conformance(_ promise: ConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}
#endif
