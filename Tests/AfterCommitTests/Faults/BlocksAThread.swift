import Testing

/// A test that blocks a thread of Swift's pool for a while. Two at once would block all of a small machine's, and with them
/// every test there is.
struct BlocksAThread: TestTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        await Turn.one.take()
        let result: Result<Void, any Error>
        do {
            result = .success(try await function())
        } catch {
            result = .failure(error)
        }
        await Turn.one.giveBack()
        try result.get()
    }
}

extension Trait where Self == BlocksAThread {
    static var blocksAThread: Self { BlocksAThread() }
}

private actor Turn {
    static let one = Turn()

    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        if isTaken { await withCheckedContinuation { waiting.append($0) } }
        isTaken = true
    }

    func giveBack() {
        isTaken = !waiting.isEmpty
        if !waiting.isEmpty { waiting.removeFirst().resume() }
    }
}
