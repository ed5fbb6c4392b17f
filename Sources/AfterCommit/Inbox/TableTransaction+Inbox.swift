import Foundation

/// The inbox of storages with typed tables: the records, and an index of them by age.
extension TableTransaction {
    public func inboxRecord(for key: String) throws -> InboxRecord? {
        try value(for: key, in: InboxTables.records)
    }

    public func putInboxRecord(_ record: InboxRecord, window: Duration) throws {
        if let replaced = try inboxRecord(for: record.key), replaced.startedAt != record.startedAt {
            try removeValue(for: InboxTables.age(of: replaced), in: InboxTables.ages)
        }
        try forgetExpired(before: record.startedAt - window.timeInterval)
        try put(record, for: record.key, in: InboxTables.records)
        try put(Data(), for: InboxTables.age(of: record), in: InboxTables.ages)
    }

    /// A few at each write, so that no background work is needed and no write pays for many.
    private func forgetExpired(before date: Date) throws {
        for (age, _) in try entries(in: InboxTables.ages, after: nil, limit: 4) {
            guard let (seconds, key) = InboxTables.record(of: age), seconds < date.timeIntervalSince1970 else { return }
            try removeValue(for: age, in: InboxTables.ages)
            // The key may have been used anew since.
            guard try isForgotten(key, since: seconds) else { continue }
            try removeValue(for: key, in: InboxTables.records)
        }
    }

    /// Whether the record of that age is the one that is there, or one that nobody can read any more: it must not hold up
    /// the work of others.
    private func isForgotten(_ key: String, since seconds: Double) throws -> Bool {
        do {
            return try inboxRecord(for: key).map { InboxTables.seconds(of: $0) == seconds } ?? false
        } catch is DecodingError {
            return true
        } catch let error as StorageError where error.code == .corrupted {
            return true
        }
    }
}

private enum InboxTables {
    static let records = Table<String, InboxRecord>(reserved: "aftercommit.inbox")
    static let ages = Table<Data, Data>.raw(reserved: "aftercommit.inbox.ages")

    /// Sorts as the dates do: the bits of a number that is never negative in practice, then the key.
    static func age(of record: InboxRecord) -> Data {
        withUnsafeBytes(of: seconds(of: record).bitPattern.bigEndian) { Data($0) } + Data(record.key.utf8)
    }

    static func seconds(of record: InboxRecord) -> Double {
        max(0, record.startedAt.timeIntervalSince1970)
    }

    static func record(of age: Data) -> (seconds: Double, key: String)? {
        guard age.count > 8 else { return nil }
        let bits = age.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let seconds = Double(bitPattern: bits)
        guard seconds.isFinite else { return nil }
        return (seconds, String(decoding: age.dropFirst(8), as: UTF8.self))
    }
}
