#if SQLite
import AfterCommit
import Foundation
import GRDB
import Logging

/// What is being tried, noted in a file beside the database's, so that the next process knows what was cut short.
struct InFlightNotes: Sendable {
    private let file: InFlightFile
    private let numbers: [String: UInt32]
    /// What was in flight when the last process died, and still is to be delivered.
    let suspects: [String: [SubscriptionPlace.Suspect]]

    /// Opens the notes of a database whose delivery lock is held and whose subscriptions are registered. One can deliver without
    /// them; then a handler that kills the process is not found out.
    /// - Returns: `nil` for a database in memory, and where the system does not take a file or does not name its run.
    static func open(_ context: SQLiteContext) async -> InFlightNotes? {
        guard let path = context.file.path, let notes = context.file.inFlightPath(context.tables),
            let bootID = BootID.current()
        else { return nil }
        do {
            let (tables, logger) = (context.tables, context.logger)
            return try await context.read { database in
                let numbers = numbers(of: try tables.subscriptionNames(database))
                let opened = try InFlightFile.open(
                    path: notes, identity: try identity(path, database), bootID: bootID,
                    storePosition: try tables.lastSequence(database), subscriptions: Set(numbers.values),
                    logger: logger)
                return try Self(opened.file, opened.suspects, numbers, tables, database)
            }
        } catch {
            context.logger.warning("what is in flight is not noted", metadata: [LogKey.error: "\(error)"])
            return nil
        }
    }

    private init(
        _ file: InFlightFile, _ found: [InFlightFile.Suspect], _ numbers: [String: UInt32], _ tables: any EventTables,
        _ database: Database
    ) throws {
        self.file = file
        self.numbers = numbers
        suspects = try Dictionary(
            uniqueKeysWithValues: numbers.map { name, number in
                let open = try file.suspects(of: number, among: found) { sequence in
                    let state = try tables.state(of: DeliveryID(subscription: name, sequence: sequence), database)
                    return state != nil && state != .deadLettered
                }
                return (name, open)
            })
    }

    /// The file itself, and when the engine's tables were made in it: a file that is made anew at its path often has its number.
    private static func identity(_ path: String, _ database: Database) throws -> UUID {
        let status = try FileStatus(path: path)
        let statement = try PreparedStatement(database, "SELECT min(appliedat) FROM aftercommit_migrations")
        let made = try statement.first { $0.text(0) } ?? nil
        return UUID(high: made.flatMap { UInt64($0.filter(\.isNumber)) } ?? 0, low: status.inode)
    }

    /// Numbers made of the names, since SQLite gives that of a subscription which was removed to the next one: FNV-1a,
    /// draft-eastlake-fnv. Nothing is noted for two names of one number.
    private static func numbers(of names: [String]) -> [String: UInt32] {
        let groups = Dictionary(grouping: names) { name in
            name.utf8.reduce(0x811C_9DC5 as UInt32) { hash, byte in (hash ^ UInt32(byte)) &* 0x0100_0193 }
        }
        return Dictionary(uniqueKeysWithValues: groups.filter { $0.value.count == 1 }.map { ($0.value[0], $0.key) })
    }

    func journal(of subscription: String) -> (any AttemptJournal)? {
        numbers[subscription].map { file.lanes(of: $0) }
    }

    /// Ends in order: what is still being tried was not cut short by a death.
    func end() {
        file.end()
    }
}
#endif
