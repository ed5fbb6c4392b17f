#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation

/// The product and its ceiling side by side, each in a store of its own on the same disk.
struct Stores {
    let product: LMDBStorage
    let bare: BareStore
    private let folder: URL

    init(coder: any EventCoder = JSONEventCoder()) async throws {
        bare = try BareStore(record: try await Self.record(coder))
        folder = try Scratch.folder("product")
        product = try LMDBStorage(path: folder.path, envelopes: EnvelopeFactory(coder: coder))
    }

    /// How many commits the product's store has had, by the newer of LMDB's two meta pages.
    func commits() throws -> Int {
        try Self.commits(ofStoreAt: folder)
    }

    func close() async throws {
        await product.close()
        try bare.close()
        try Scratch.remove(folder)
    }

    static func commits(ofStoreAt folder: URL) throws -> Int {
        // Page header 16, then magic, version, address, map size, two databases of 48, last page, transaction.
        let offset: UInt64 = 16 + 4 + 4 + 8 + 8 + 96 + 8
        let pageBytes: UInt64 = 4_096
        let file = try FileHandle(forReadingFrom: folder.appendingPathComponent("data.mdb"))
        let numbers = try [offset, pageBytes + offset].map { position in
            try file.seek(toOffset: position)
            let bytes = try file.read(upToCount: 8) ?? Data()
            guard bytes.count == 8 else { throw BenchmarkError("the store has no meta page") }
            return bytes.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
        }
        try file.close()
        return numbers.max() ?? 0
    }

    /// One record as the product stores it.
    static func record(_ coder: any EventCoder = JSONEventCoder()) async throws -> [UInt8] {
        let folder = try Scratch.folder("record")
        let storage = try LMDBStorage(path: folder.path, envelopes: EnvelopeFactory(coder: coder))
        try await storage.emit(OrderPlaced(number: 1), headers: [:])
        await storage.close()
        let record = try BareStore.newestRecord(ofStoreAt: folder.path)
        try Scratch.remove(folder)
        return record
    }
}
#endif
