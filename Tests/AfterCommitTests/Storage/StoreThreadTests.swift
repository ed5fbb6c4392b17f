import AfterCommit
import Testing

@Suite(.timeLimit(.minutes(2)))
struct StoreThreadTests {
    /// Not for two at once.
    private actor Guarded {
        nonisolated let thread = StoreThread(name: "guarded")
        private var texts: [Int: String] = [:]

        init() { thread.start() }

        deinit { thread.stop() }

        nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

        func add(_ number: Int) { texts[number] = "number \(number)" }

        var count: Int { texts.count }
    }

    @Test("Calls that come after the end run one at a time")
    func late() async {
        let guarded = Guarded()
        guarded.thread.stop()
        await guarded.thread.end()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<2_000 { group.addTask { await guarded.add(number) } }
        }
        #expect(await guarded.count == 2_000)
    }

    @Test("An executor may go with the last call")
    func lastCall() async {
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<500 {
                group.addTask {
                    let guarded = Guarded()
                    await guarded.add(number)
                }
            }
        }
    }
}
