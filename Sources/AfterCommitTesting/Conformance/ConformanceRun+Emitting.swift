import AfterCommit

/// How cases emit. Where events are rebuilt from rows, each event's row is written in the transaction that emits it; elsewhere
/// the engine, the storage or the transaction emits, as the case asks.
extension ConformanceRun {
    /// Whether the storage does all of these.
    func can(_ capabilities: ConformanceCapabilities) -> Bool { suite.capabilities.isSuperset(of: capabilities) }

    /// As many of the subscriptions, or what stands for them, as the storage has places for.
    func fitting<Element>(_ all: Element...) -> [Element] {
        can(.manySubscriptions) ? all : Array(all.prefix(1))
    }

    @discardableResult
    func emit(
        _ event: ConformanceEvent, headers: [String: String] = [:], in transaction: any ConformanceTransaction
    ) throws -> EventID {
        if can(.statusColumn) { try transaction.putRow(event.rowText, for: event.rowKey) }
        return try transaction.emit(event, headers: headers)
    }

    @discardableResult
    func emit(
        _ event: ConformanceEvent, headers: [String: String] = [:], _ engine: EventEngine
    ) async throws -> EventID {
        guard !can(.statusColumn) else { return try await emitWithRows([event], headers)[0] }
        return try await engine.emit(event, headers: headers)
    }

    @discardableResult
    func emit(
        contentsOf events: [ConformanceEvent], headers: [String: String] = [:], _ engine: EventEngine
    ) async throws -> [EventID] {
        guard !can(.statusColumn) else { return try await emitWithRows(events, headers) }
        return try await engine.emit(contentsOf: events, headers: headers)
    }

    @discardableResult
    func emit(
        _ event: ConformanceEvent, headers: [String: String] = [:], _ storage: any EventStorage
    ) async throws -> EventID {
        guard !can(.statusColumn) else { return try await emitWithRows([event], headers)[0] }
        return try await storage.emit(event, headers: headers)
    }

    @discardableResult
    func emit(
        contentsOf events: [ConformanceEvent], headers: [String: String] = [:], _ storage: any EventStorage
    ) async throws -> [EventID] {
        guard !can(.statusColumn) else { return try await emitWithRows(events, headers) }
        return try await storage.emit(contentsOf: events, headers: headers)
    }

    /// Emits what is no event: bytes that cannot be read as one, or a row that none can be rebuilt from.
    /// - Parameter number: tells its row apart.
    @discardableResult
    func emitMalformed(_ text: String, number: Int, in storage: any ConformanceStorage) async throws -> EventID {
        guard can(.statusColumn) else { return try await store([envelope(text, in: storage)], in: storage)[0] }
        let event = ConformanceEvent(number: number)
        return try await storage.transaction { tx in
            let id = try self.emit(event, in: tx)
            try tx.putRow(text, for: event.rowKey)
            return id
        }
    }

    /// Emits all in one transaction of the storage that is open, behind whatever stands between it and the engine.
    private func emitWithRows(_ events: [ConformanceEvent], _ headers: [String: String]) async throws -> [EventID] {
        guard let storage = lastStorage else { throw ConformanceFailure(description: "no storage is open") }
        return try await storage.transaction { tx in
            try events.map { try self.emit($0, headers: headers, in: tx) }
        }
    }
}
