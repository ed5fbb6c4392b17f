#if HTTP
import AfterCommit
@testable import AfterCommitHTTP
import AsyncHTTPClient
import NIOPosix
import Synchronization
import Testing

@Suite("Clients for addresses")
struct PinnedClientsTests {
    private final class Count: Sendable {
        let value = Mutex(0)
    }

    @Test("are kept while they are used, and few of them after that")
    func bounded() async throws {
        let made = Count()
        let clients = PinnedClients { _ in
            made.value.withLock { $0 += 1 }
            return .init(eventLoopGroup: .singletonMultiThreadedEventLoopGroup)
        }
        func pin(_ number: Int) -> PinnedClients.Pin { .init(host: "h", address: IPAddress(.v4(UInt32(number)))) }
        let count = PinnedClients.maxIdle + 10
        try await clients.withClient(pin(0)) { first in
            for number in 1...count { try await clients.withClient(pin(number)) { _ in } }
            // The first is the oldest, but somebody uses it.
            try await clients.withClient(pin(0)) { #expect($0 === first) }
        }
        #expect(made.value.withLock(\.self) == count + 1)
        try await clients.withClient(pin(count)) { _ in }
        #expect(made.value.withLock(\.self) == count + 1)
        try await clients.withClient(pin(1)) { _ in }
        #expect(made.value.withLock(\.self) == count + 2)
        try await clients.shutdown()
        await #expect(throws: (any Error).self) { try await clients.withClient(pin(1)) { _ in } }
    }
}
#endif
