#if LMDB
public import AfterCommit
import Foundation

extension LMDBStorage {
    /// What became of a row's event; `nil` for a row that has none, or that is not there.
    public func status<Key, Value>(of key: Key, in table: Table<Key, Value>) async throws -> RowStatus? {
        try await read { try $0.status(of: key, in: table) }
    }

    /// Refuses what a handler's context wants to emit into a status column: only a transaction can mark the row.
    public func validate(_ emission: Emission) throws {
        guard context.column == nil else {
            throw StorageError.needsOutbox(
                "an event that a handler's context emits; a transactional handler can emit with its transaction")
        }
    }

    /// Emits events in a transaction of their own.
    func emitWithRows<E: Event>(_ events: [E], _ options: EmitOptions) async throws -> [EventID] {
        try await transaction { tx in try events.map { try tx.emit($0, options: options) } }
    }

    /// Emits what a scope has taken, in a transaction whose room was reserved.
    func emitWithRows(_ emissions: [Emission], _ column: StatusColumn) async throws -> [EventID] {
        guard !emissions.isEmpty else { return [] }
        let envelopes = context.envelopes
        let events = try emissions.map { try column.event(of: $0, envelopes.coder) }
        try await writeUncancelled(
            WriteRequest(bytes: 0) { group in
                try group.run(
                    { tx in
                        for (event, emission) in zip(events, emissions) {
                            try tx.emit(event, emission.envelope, column)
                        }
                    }, envelopes: envelopes, use: .reserved)
            })
        return emissions.map(\.envelope.id)
    }
}

extension LMDBReader {
    /// What became of a row's event; `nil` for a row that has none, or that is not there.
    public func status<Key, Value>(of key: Key, in table: Table<Key, Value>) throws -> RowStatus? {
        try access(table)?.status(of: key, in: table)
    }
}
#endif
