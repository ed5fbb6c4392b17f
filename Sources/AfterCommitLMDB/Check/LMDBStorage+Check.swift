#if LMDB
import AfterCommit
import Foundation
import Logging

extension LMDBStorage {
    /// Checks the store at `path`, which this process must not have open.
    ///
    /// Where no other process has it open either, the structure of the file is examined first, without LMDB: damaged pages
    /// would end the process that follows them. Then it is opened, which brings an older format up to date, and every record
    /// is read as ``check()`` does.
    /// - Throws: `StorageError` where there is nothing that can be checked: `unsuitablePath`, `alreadyOpen`,
    ///   `formatTooNew`, `corrupted` for a file that is truncated or has lost the list of its tables.
    public static func check(path: String) async throws -> StoreReport {
        let folder = URL(fileURLWithPath: path).standardizedFileURL.path
        let structure = try await onOwnThread("lmdb-check") { try examinePages(folder) }
        if let structure, !structure.isSound { return structure }
        let storage = try LMDBStorage(
            path: folder, as: nil, configuration: Configuration(), envelopes: EnvelopeFactory(),
            time: TimeSource(ContinuousClock()),
            logger: Logger(label: "AfterCommitLMDB") { _ in SwiftLogNoOpLogHandler() })
        do {
            var report = try await storage.check()
            report.isStructureChecked = structure != nil
            await storage.close()
            return report
        } catch {
            await storage.close()
            throw error
        }
    }

    /// Reads every record of every table, a part at a time in short transactions, beside all other work: checksums, the shapes
    /// of keys, due dates and the deliveries they are of, places and the end of the log.
    ///
    /// A page whose structure is damaged can end the process when LMDB follows it, here as in any other use of the store;
    /// ``check(path:)`` finds such pages before, while the store is closed.
    /// - Throws: `StorageError` with `closed`, or `CancellationError`.
    public func check() async throws -> StoreReport {
        let format = try await reader.run { context in
            let transaction = try context.environment.beginRead()
            defer { transaction.abort() }
            return try StoreFormat.version(transaction, context.databases.meta)
        }
        var report = StoreReport(format: format)
        for place in StoreCheck.places(context) {
            if let table = place.table { report.rows[table] = 0 }
            var progress = StoreCheck.Progress(report: report)
            while !progress.isDone {
                try Task.checkCancellation()
                let before = progress
                progress = try await reader.run { context in
                    let transaction = try context.environment.beginRead()
                    defer { transaction.abort() }
                    var progress = before
                    StoreCheck(context: context, transaction: transaction, place: place).advance(&progress)
                    return progress
                }
                // Others that wait for the reader's thread come first.
                await Task.yield()
            }
            report = progress.report
        }
        return report
    }

    /// `nil` where another process has the store open, whose writes would look like damage.
    private static func examinePages(_ folder: String) throws(StorageError) -> StoreReport? {
        try StoreFolder.check(folder)
        let openStore = try OpenStore(folder)
        defer { openStore.release() }
        guard try openStore.writerLock.useAlone() else { return nil }
        var audit = PageAudit(try PageFile(folder + "/" + DataFile.name))
        audit.run()
        var report = StoreReport(format: 0)
        report.isStructureChecked = true
        for damage in audit.damages { report.add(damage) }
        return report
    }
}
#endif
