#if RabbitMQ
import AfterCommit
import Foundation
import Testing
#if canImport(Glibc)
import Glibc
#endif

@Suite("What wakes a thread that works with a socket")
struct SocketSignalTests {
    @Test("raised while no one waits, it is kept, and once")
    func kept() throws {
        let signal = try SocketSignal()
        signal.raise()
        signal.raise()
        #expect(signal.wait(atMost: .seconds(60)))
        #expect(!signal.wait(atMost: .milliseconds(1)))
        signal.raise()
        #expect(signal.wait(atMost: .seconds(60)))
    }

    @Test("a socket that is ready ends the wait without it being raised")
    func socket() throws {
        let signal = try SocketSignal()
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        signal.watch(ends[0], writing: true, atMost: nil)
        signal.wait()
        signal.watch(ends[0], writing: false, atMost: nil)
        var byte: UInt8 = 1
        try #require(write(ends[1], &byte, 1) == 1)
        signal.wait()
        #expect(!signal.wait(atMost: .seconds(60)))
        // Nobody watches it any more.
        signal.watch(nil, writing: false, atMost: .milliseconds(1))
        signal.wait()
    }

    private final class Work: Sendable {
        private let counts = Locked((waiting: 0, done: 0))

        var done: Int { counts.withLock { $0.done } }
        func add() { counts.withLock { $0.waiting += 1 } }
        func doAll() { counts.withLock { $0 = (0, $0.done + $0.waiting) } }
    }

    @Test("nothing is lost of what many raise")
    func many() async throws {
        let signal = try SocketSignal()
        let work = Work()
        let thread = Thread {
            while work.done < 40_000 {
                signal.wait()
                work.doAll()
            }
        }
        thread.start()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<10_000 {
                        work.add()
                        signal.raise()
                    }
                }
            }
        }
        #expect(try await eventually { work.done == 40_000 })
    }
}
#endif
