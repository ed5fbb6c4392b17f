#if LMDB
import AfterCommit
import Logging

extension StoreContext {
    /// `nil`, and a line in the log, for a record that cannot be read; what LMDB itself fails with is thrown.
    func readable<T>(
        _ message: @autoclosure () -> Logger.Message, _ metadata: @autoclosure () -> Logger.Metadata,
        _ body: () throws(StorageError) -> T
    ) throws(StorageError) -> T? {
        do throws(StorageError) {
            return try body()
        } catch {
            guard error.lmdbError == nil else { throw error }
            logger.error(message(), metadata: metadata().merging([LogKey.error: "\(error)"]) { $1 })
            return nil
        }
    }
}
#endif
