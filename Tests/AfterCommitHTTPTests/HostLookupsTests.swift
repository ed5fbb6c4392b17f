#if HTTP
import AfterCommit
@testable import AfterCommitHTTP
import Testing

@Suite("The book of addresses")
struct AddressBookTests {
    private let a = IPAddress(.v4(1))
    private let b = IPAddress(.v4(2))
    private let c = IPAddress(.v4(3))

    @Test("is good for a while")
    func lifetime() {
        var book = AddressBook()
        #expect(book.addresses(of: "h", now: .zero) == nil)
        book.learn([a, b], of: "h", freshUntil: .seconds(5))
        #expect(book.addresses(of: "h", now: .seconds(4)) == [a, b])
        #expect(book.addresses(of: "h", now: .seconds(5)) == nil)
        #expect(book.addresses(of: "other", now: .zero) == nil)
    }

    @Test("puts what gave no answer last, until it answers")
    func order() {
        var book = AddressBook()
        book.learn([a, b, c], of: "h", freshUntil: .seconds(5))
        book.gaveNoAnswer(a, of: "h")
        #expect(book.inOrder("h") == [b, c, a])
        book.gaveNoAnswer(b, of: "h")
        #expect(book.inOrder("h") == [c, a, b])
        book.learn([a, b, c], of: "h", freshUntil: .seconds(9))
        #expect(book.inOrder("h") == [c, a, b])
        book.answered(a, of: "h")
        book.learn([a, c], of: "h", freshUntil: .seconds(9))
        #expect(book.inOrder("h") == [a, c])
        book.gaveNoAnswer(b, of: "h")
        #expect(book.inOrder("h") == [a, c])
    }

    @Test("is bounded")
    func bounded() {
        var book = AddressBook()
        book.learn((0..<1000).map { IPAddress(.v4($0)) }, of: "h", freshUntil: .seconds(5))
        #expect(book.inOrder("h").count == AddressBook.maxAddresses)
    }
}

@Suite("Looking hosts up")
struct HostLookupsTests {
    /// DNS that answers when it is told to.
    private actor SlowResolver: HostResolver {
        private var waiting: [CheckedContinuation<[IPAddress], any Error>] = []
        private var asked: [CheckedContinuation<Void, Never>] = []
        private(set) var count = 0

        func addresses(of host: String) async throws -> [IPAddress] {
            count += 1
            return try await withCheckedThrowingContinuation { continuation in
                waiting.append(continuation)
                for waiter in asked { waiter.resume() }
                asked = []
            }
        }

        func untilAsked() async {
            if waiting.isEmpty { await withCheckedContinuation { asked.append($0) } }
        }

        func answer(_ result: Result<[IPAddress], any Error>) {
            for continuation in waiting { continuation.resume(with: result) }
            waiting = []
        }
    }

    private func lookups(_ resolver: any HostResolver) -> HostLookups {
        HostLookups(resolver: resolver, lifetime: .seconds(60), time: TimeSource(DeadlineClock()))
    }

    @Test("asks once for all that wait, and not again while the answer is fresh")
    func together() async throws {
        let resolver = SlowResolver()
        let lookups = lookups(resolver)
        let address = IPAddress(.v4(7))
        let tasks = (0..<100).map { _ in Task { try await lookups.addresses(of: "h") } }
        await resolver.untilAsked()
        await resolver.answer(.success([address]))
        for task in tasks { #expect(try await task.value == [address]) }
        #expect(try await lookups.addresses(of: "h") == [address])
        #expect(await resolver.count == 1)
    }

    @Test("lets one that is cancelled go, and the others wait on")
    func cancellation() async throws {
        let resolver = SlowResolver()
        let lookups = lookups(resolver)
        let patient = Task { try await lookups.addresses(of: "h") }
        let hasty = Task { try await lookups.addresses(of: "h") }
        await resolver.untilAsked()
        hasty.cancel()
        await #expect(throws: CancellationError.self) { try await hasty.value }
        await resolver.answer(.success([IPAddress(.v4(7))]))
        #expect(try await patient.value.count == 1)
    }

    @Test("remembers no failure")
    func failure() async throws {
        struct Down: Error {}
        let resolver = SlowResolver()
        let lookups = lookups(resolver)
        for expected in [nil, 1] as [Int?] {
            let task = Task { try await lookups.addresses(of: "h") }
            await resolver.untilAsked()
            await resolver.answer(expected == nil ? .failure(Down()) : .success([IPAddress(.v4(7))]))
            #expect((try? await task.value)?.count == expected)
        }
    }
}
#endif
