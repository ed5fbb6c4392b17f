#if LMDB
import AfterCommit
import AfterCommitLMDB
import AfterCommitTesting
import Foundation
import Testing

@Suite struct LMDBConformanceTests {
    static let suite = ConformanceSuite(
        capabilities: [.outbox, .limited, .durable, .boundsBlocked],
        makeStorage: { options in
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("conformance-\(UUID()).lmdb")
            return try LMDBStorage(
                path: folder.path, configuration: configuration(options),
                envelopes: options.envelopes)
        },
        reopen: { storage, options in
            guard let storage = storage as? LMDBStorage else { return storage }
            await storage.close()
            return try LMDBStorage(
                path: storage.path, configuration: configuration(options),
                envelopes: options.envelopes)
        },
        close: { storage in
            guard let storage = storage as? LMDBStorage else { return }
            await storage.close()
            try FileManager.default.removeItem(atPath: storage.path)
        })

    private static func configuration(
        _ options: ConformanceSuite.StorageOptions
    ) -> LMDBStorage.Configuration {
        // Many stores are open at once, and a sanitizer leaves less address space.
        options.isSmall
            ? .init(maxBytes: 4 << 20, mapReserveBytes: 1 << 30) : .init(mapReserveBytes: 1 << 30)
    }

    @Test(.timeLimit(.minutes(5)), arguments: suite.cases)
    func conformance(_ promise: ConformanceCase) async throws {
        try await Self.suite.run(promise)
    }
}
#endif
