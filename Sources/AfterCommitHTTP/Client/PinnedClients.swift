#if HTTP
import AfterCommit
import AsyncHTTPClient
import NIOCore

/// One HTTP client for each address: a client that knows where a host is asks no DNS on its own.
final class PinnedClients: Sendable {
    /// A host at one of its addresses.
    struct Pin: Hashable {
        var host: String
        var address: IPAddress
    }

    /// Idle clients past these are shut down, those unused for longest first: DNS can name ever new addresses.
    static let maxIdle = 64

    private struct Entry {
        let client: HTTPClient
        var users = 0
        var lastUse = 0
    }

    private struct State {
        var entries: [Pin: Entry] = [:]
        var uses = 0
        var isShutDown = false
    }

    private let make: @Sendable (Pin) -> HTTPClient
    private let state = Locked(State())

    init(make: @escaping @Sendable (Pin) -> HTTPClient) {
        self.make = make
    }

    func withClient<R: Sendable>(_ pin: Pin, _ body: (HTTPClient) async throws -> R) async throws -> R {
        let client = try acquire(pin)
        do {
            let result = try await body(client)
            await release(pin)
            return result
        } catch {
            await release(pin)
            throw error
        }
    }

    private func acquire(_ pin: Pin) throws -> HTTPClient {
        try state.withLock { state in
            guard !state.isShutDown else { throw HTTPClientError.alreadyShutdown }
            var entry = state.entries[pin] ?? Entry(client: make(pin))
            entry.users += 1
            state.uses += 1
            entry.lastUse = state.uses
            state.entries[pin] = entry
            return entry.client
        }
    }

    private func release(_ pin: Pin) async {
        let surplus: HTTPClient? = state.withLock { state in
            state.entries[pin]?.users -= 1
            let idle = state.entries.filter { $0.value.users == 0 }
            guard !state.isShutDown, idle.count > Self.maxIdle,
                let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse })
            else { return nil }
            return state.entries.removeValue(forKey: oldest.key)?.client
        }
        // It has no requests, so there is nothing that could be left behind.
        try? await surplus?.shutdown()
    }

    /// Closes all connections; requests under way fail.
    /// - Throws: the first client's error, after all have been shut down.
    func shutdown() async throws {
        let entries = try state.withLock { state in
            guard !state.isShutDown else { throw HTTPClientError.alreadyShutdown }
            state.isShutDown = true
            defer { state.entries = [:] }
            return state.entries
        }
        var failure: (any Error)?
        for entry in entries.values {
            do {
                try await entry.client.shutdown()
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }
}
#endif
