#if LMDB
import AfterCommit
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import AfterCommitLMDB

/// The probe's events, as this process handles them.
let probed: EventType = "probed"

@Suite(.timeLimit(.minutes(2))) struct FaultProcessTests {
    @Test("Fault 48: a process stopped inside a transaction makes the others fail with its id, and freezes nothing")
    func stoppedInsideATransaction() async throws {
        try await withStorePath { path in
            let storage = try open(path, configuration: .init(writerTimeout: .milliseconds(200)))
            let wakes = Wakes()
            _ = try await storage.attach(types: [probed, OrderPlaced.type], wake: { _ in wakes.raise() })
            try await storage.emit([1])
            let stopped = try Probe("stop-inside", path)
            #expect(await stopped.tells("inside"))
            // Its write fails with the id of the one that is stopped; reading and claiming go on.
            let error = await #expect(throws: StorageError.self) { try await storage.emit([2]) }
            #expect(error?.code == .storeBusy)
            #expect(error?.processID == stopped.id)
            #expect(error?.message.contains("write transaction") == true)
            #expect(try storage.numbers(try await storage.claim()) == [1])
            // Two more processes want to emit: each is refused, with the same id, and ends.
            let others = [try Probe("emit", path, "a", "3"), try Probe("emit", path, "b", "3")]
            for other in others {
                let refusals = Array(repeating: "storeBusy \(stopped.id)", count: 3)
                #expect(await other.rest() == ["open"] + refusals + ["closed"])
                #expect(await other.end() == 0)
            }
            stopped.signal(SIGCONT)
            #expect(await stopped.tells("ack 0"))
            #expect(await stopped.end() == 0)
            try await storage.emit([3])
            var claimed = 1
            try await eventually {
                claimed += try await storage.claim().deliveries.count
                return claimed >= 3
            }
            #expect(claimed == 3)
            await storage.close()
        }
    }

    @Test("Fault 48: three processes emit while one of them is stopped; what was acknowledged is delivered")
    func threeProcessesEmit() async throws {
        try await withStorePath { path in
            let storage = try open(path)
            let wakes = Wakes()
            _ = try await storage.attach(types: [probed], wake: { _ in wakes.raise() })
            let stopped = try Probe("stop-inside", path)
            #expect(await stopped.tells("inside"))
            let emitters = try ["a", "b"].map { try Probe("emit", path, $0, "50") }
            for emitter in emitters {
                var first = await emitter.lines.first { $0 != "open" }
                #expect(first == "storeBusy \(stopped.id)")
                first = nil
            }
            stopped.signal(SIGCONT)
            var acknowledged = 1
            for emitter in emitters {
                acknowledged += await emitter.rest().count { $0.hasPrefix("ack") }
                #expect(await emitter.end() == 0)
            }
            #expect(await stopped.end() == 0)
            #expect(acknowledged > 50)
            var claimed: [ClaimedDelivery] = []
            while true {
                let batch = try await storage.claim(limit: 1_000)
                claimed += batch.deliveries
                if batch.deliveries.isEmpty { break }
            }
            #expect(claimed.count == acknowledged)
            #expect(Set(claimed.map(\.envelope.id)).count == acknowledged)
            await storage.close()
        }
    }

    @Test("Fault 1: a process killed inside a transaction leaves nothing of it, and nobody waits for it")
    func killedInsideATransaction() async throws {
        try await withStorage { storage in
            _ = try await storage.attach(types: [probed, OrderPlaced.type])
            let killed = try Probe("stop-inside", storage.path)
            #expect(await killed.tells("inside"))
            killed.signal(SIGKILL)
            _ = await killed.end()
            try await storage.emit([1])
            #expect(try storage.numbers(try await storage.claim()) == [1])
            #expect(try await storage.read { try $0.count(of: Table<UInt64, Data>.raw("rows")) } == 0)
        }
    }

    @Test("Fault 10: a second process that wants to deliver is refused with the owner's id, and may emit")
    func secondDeliverer() async throws {
        try await withStorePath { path in
            let owner = try Probe("attach", path)
            #expect(await owner.tells("attached"))
            let storage = try open(path)
            let error = await #expect(throws: StorageError.self) { try await storage.attach() }
            #expect(error?.code == .storeBusy)
            #expect(error?.processID == owner.id)
            #expect(error?.message.contains("delivers from this store") == true)
            try await storage.emit([1])
            // The lock goes with the process, however that ends.
            owner.signal(SIGKILL)
            _ = await owner.end()
            _ = try await storage.attach()
            await storage.close()
        }
    }

    @Test("The delivering process is woken by the commits of another", arguments: [true, false])
    func wokenByAnotherProcess(isAttachedFirst: Bool) async throws {
        try await withStorage { storage in
            let wakes = Wakes()
            if isAttachedFirst { _ = try await storage.attach(types: [probed], wake: { _ in wakes.raise() }) }
            let emitter = try Probe("emit", storage.path, "a", "3")
            if !isAttachedFirst {
                #expect(await emitter.tells("open"))
                _ = try await storage.attach(types: [probed], wake: { _ in wakes.raise() })
            }
            #expect(await emitter.end() == 0)
            if isAttachedFirst {
                await wakes.wait()
                var count = 0
                try await eventually {
                    count += try await storage.claim().deliveries.count
                    return count == 3
                }
            }
        }
    }

    @Test(
        "A commit of another process is not missed that is in the file before readers may have it",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "SKIPPED: strace is missing"))
    func commitBetweenFileAndReaders() async throws {
        try await withStorage { storage in
            let wakes = Wakes()
            _ = try await storage.attach(types: [probed], wake: { _ in wakes.raise() })
            // The page that makes it a commit is written and notified of, and the writer held up right after that.
            let emitter = try Probe(
                ["emit", storage.path, "a", "1"],
                wrapper: [
                    "/usr/bin/strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e",
                    "inject=pwrite64:delay_exit=300000",
                ])
            var looked = 0
            try await eventually {
                // Only a wake is a reason to look.
                guard wakes.count > looked else { return false }
                looked = wakes.count
                return try await storage.claim().deliveries.count == 1
            }
            #expect(await emitter.end() == 0)
        }
    }

    @Test("A key goes on whose dead letter another process deletes or redrives", arguments: ["delete", "redrive"])
    func deadLetterOfAnotherProcess(command: String) async throws {
        try await withStorage { storage in
            let handled = Mutex<[Int]>([])
            let isMended = Mutex(false)
            let subscription = Subscription("ledger", to: OrderPlaced.self) { event, _ in
                if event.number == 1, !isMended.withLock(\.self) { throw HandlerOutcome.permanent(Refusal()) }
                handled.withLock { $0.append(event.number) }
            }
            let engine = try await EventEngine(
                storage: storage, logger: Logger(label: "test"), subscriptions: [subscription])
            let running = Task { try await engine.run() }
            try await storage.emit(1...3, key: "a")
            try await engine.waitUntilIdle()
            #expect(try await storage.counts(subscription: "ledger").deadLettered == 1)
            #expect(handled.withLock(\.self).isEmpty)
            isMended.withLock { $0 = true }
            let other = try Probe("dead", storage.path, command)
            #expect(await other.tells("1"))
            try await eventually { handled.withLock { $0.last == 3 } }
            #expect(handled.withLock(\.self) == (command == "delete" ? [2, 3] : [1, 2, 3]))
            running.cancel()
            try await running.value
        }
    }

    @Test("A process knows its own commits from those of others")
    func knownCommits() {
        let commits = KnownCommits()
        commits.begin(at: 7)
        #expect(!commits.takeForeign(upTo: 7))
        commits.noteOwn(8)
        commits.noteOwn(9)
        #expect(!commits.takeForeign(upTo: 9))
        // Another process commits 10 before this one commits 11.
        commits.noteOwn(11)
        #expect(commits.takeForeign(upTo: 11))
        #expect(!commits.takeForeign(upTo: 11))
        commits.noteOwn(12)
        #expect(!commits.takeForeign(upTo: 12))
        // It was seen before it was noted: once too often, and never again.
        #expect(commits.takeForeign(upTo: 13))
        commits.noteOwn(13)
        #expect(!commits.takeForeign(upTo: 13))
    }

    @Test("Processes with different maps share a store")
    func differentMaps() async throws {
        try await withStorePath { path in
            let small = try open(path, configuration: .init(mapReserveBytes: 2 << 20))
            _ = try await small.attach(types: [probed, OrderPlaced.type])
            #expect(try small.context.environment.mapBytes() <= 8 << 20)
            // Far beyond the small one's map.
            let emitter = try Probe("emit", path, "large", "1500", "\(1 << 30)", "filler")
            let acknowledged = await emitter.rest().count { $0.hasPrefix("ack") }
            #expect(await emitter.end() == 0)
            #expect(acknowledged == 1_500)
            var claimed = 0
            while true {
                let count = try await small.claim(limit: 1_000).deliveries.count
                if count == 0 { break }
                claimed += count
            }
            #expect(claimed == 1_500)
            try await small.emit([1])
            #expect(try await small.claim().deliveries.count == 1)
            #expect(try small.context.environment.mapBytes() > 12 << 20)
            await small.close()
        }
    }

    @Test("A table that another process makes is seen, and written to")
    func tableOfAnotherProcess() async throws {
        try await withStorage { storage in
            let table = Table<UInt64, Data>.raw("shared")
            try await storage.transaction { try $0.put(Data(), for: 1, in: Table<UInt64, Data>.raw("own")) }
            #expect(try await storage.read { try $0.value(for: 7, in: table) } == nil)
            let other = try Probe("table", storage.path, "shared")
            #expect(await other.end() == 0)
            let runs = Mutex(0)
            let value = try await storage.read { reader in
                runs.withLock { $0 += 1 }
                return try reader.value(for: 7, in: table)
            }
            #expect(value == Data("from another process".utf8))
            #expect(runs.withLock(\.self) == 2)
            try await storage.transaction { try $0.put(Data([8]), for: 8, in: table) }
            #expect(try await storage.read { try $0.count(of: table) } == 2)
        }
    }

    @Test("Fault 12: a child that was forked is refused, and its parent goes on")
    func fork() async throws {
        try await withStorePath { path in
            let probe = try Probe("fork", path)
            let told = await probe.rest()
            #expect(told.count == 4)
            #expect(told.first == "child refused systemFailure")
            let opened = ["child opens its own true", "the Thread Sanitizer lets no child open its own"]
            #expect(opened.contains(told.dropFirst().first ?? ""))
            #expect(told.suffix(2) == ["child ended 0", "parent goes on"])
            #expect(await probe.end() == 0)
        }
    }

    @Test("Fault 17: without descriptors emits go on, what needs one fails, and all is well after it")
    func descriptorsExhausted() async throws {
        try await withStorePath { path in
            let probe = try Probe("descriptors", path)
            let told = await probe.rest()
            #expect(
                told == [
                    "exhausted true", "emitted", "refused systemFailure", "refused systemFailure", "claimed 1",
                ])
            #expect(await probe.end() == 0)
        }
    }
}

/// Counts wakes, and lets a test wait for one.
final class Wakes: Sendable {
    private let state = Mutex((count: 0, waiter: CheckedContinuation<Void, Never>?.none))
    var count: Int { state.withLock(\.count) }

    @Sendable func raise() {
        let waiter = state.withLock { state in
            state.count += 1
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isRaised = state.withLock { state in
                if state.count == 0 { state.waiter = continuation }
                return state.count > 0
            }
            if isRaised { continuation.resume() }
        }
    }
}
#endif
