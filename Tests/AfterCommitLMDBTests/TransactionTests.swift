#if LMDB
import AfterCommit
import Foundation
import Synchronization
import Testing

@testable import AfterCommitLMDB

@Suite struct TransactionTests {
    @Test func rowAndEventAreCommittedTogether() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            let id = try await storage.transaction { tx in
                try tx.insert(Order(number: 1, total: 9.5), for: 1, in: orders)
                return try tx.emit(OrderPlaced(number: 1), headers: ["tenant": "a"])
            }
            let batch = try await storage.claim()
            #expect(try storage.numbers(batch) == [1])
            #expect(batch.deliveries.first?.sequence == 1)
            #expect(batch.deliveries.first?.envelope.id == id)
            #expect(batch.deliveries.first?.envelope.headers == ["tenant": "a"])
            let order = try await storage.read { try $0.value(for: 1, in: orders) }
            #expect(order == Order(number: 1, total: 9.5))
        }
    }

    @Test func bodyThatThrowsLeavesNothing() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            await #expect(throws: Refusal()) {
                try await storage.transaction { tx in
                    try tx.put(Order(number: 1, total: 1), for: 1, in: orders)
                    try tx.emit(OrderPlaced(number: 1))
                    throw Refusal()
                }
            }
            #expect(try await storage.claim().deliveries.isEmpty)
            #expect(try await storage.read { try $0.count(of: orders) } == 0)
        }
    }

    @Test func savepointUndoesItsPartOnly() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            try await storage.transaction { tx in
                try tx.put(Order(number: 1, total: 1), for: 1, in: orders)
                try tx.emit(OrderPlaced(number: 1))
                do {
                    try tx.savepoint {
                        try tx.put(Order(number: 2, total: 2), for: 2, in: orders)
                        try tx.emit(OrderPlaced(number: 2))
                        try tx.savepoint {
                            try tx.removeValue(for: 1, in: orders)
                            try tx.emit(OrderPlaced(number: 3))
                        }
                        throw Refusal()
                    }
                } catch is Refusal {}
                try tx.savepoint {
                    try tx.put(Order(number: 4, total: 4), for: 4, in: orders)
                    try tx.emit(OrderPlaced(number: 4))
                }
                #expect(try tx.value(for: 2, in: orders) == nil)
            }
            #expect(try storage.numbers(try await storage.claim()) == [1, 4])
            let keys = try await storage.read { try $0.entries(in: orders, after: nil, limit: 10).map(\.key) }
            #expect(keys == [1, 4])
        }
    }

    @Test func useAfterTheBodyIsRefused() async throws {
        struct Box: @unchecked Sendable { let transaction: LMDBTransaction }
        try await withStorage { storage in
            let box = try await storage.transaction { Box(transaction: $0) }
            #expect(throws: StorageError.self) { try box.transaction.emit(OrderPlaced(number: 1)) }
            #expect(throws: StorageError.self) { try box.transaction.count(of: orders) }
        }
    }

    @Test func failingBodiesDoNotHarmOthersInTheGroup() async throws {
        try await withStorage { storage in
            _ = try await storage.attach()
            let failures = await withTaskGroup(of: Bool.self) { tasks in
                for number in 0..<200 {
                    tasks.addTask {
                        do {
                            try await storage.transaction { tx in
                                try tx.insert(
                                    Order(number: number, total: 0), for: UInt64(number), in: orders)
                                try tx.emit(OrderPlaced(number: number))
                                if number.isMultiple(of: 7) { throw Refusal() }
                            }
                            return false
                        } catch {
                            return true
                        }
                    }
                }
                return await tasks.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(failures == 29)
            let claimed = try storage.numbers(try await storage.claim(limit: 1_000))
            #expect(Set(claimed) == Set((0..<200).filter { !$0.isMultiple(of: 7) }))
            #expect(try await storage.read { try $0.count(of: orders) } == 171)
        }
    }

    @Test func swallowedStorageErrorStillFailsTheTransaction() async throws {
        let configuration = LMDBStorage.Configuration(maxBytes: 1 << 20)
        try await withStorage(configuration: configuration) { storage in
            let blobs = Table<UInt64, Data>.raw("blobs")
            let error = await #expect(throws: StorageError.self) {
                try await storage.transaction { tx in
                    try tx.put(Data([1]), for: 1, in: blobs)
                    try? tx.put(Data(count: 4 << 20), for: 2, in: blobs)
                    try tx.emit(OrderPlaced(number: 1))
                }
            }
            #expect(error?.code == .storageFull)
            let count = try await storage.read { try $0.count(of: blobs) }
            #expect(count == 0)
        }
    }

    @Test func cancelledWhileItWaitsNeverRuns() async throws {
        try await withStorage { storage in
            let (started, startedContinuation) = AsyncStream<Void>.makeStream()
            let ran = Mutex(false)
            let release = Gate()
            let first = Task {
                try await storage.transaction { _ in
                    startedContinuation.finish()
                    release.wait()
                }
            }
            for await _ in started {}
            let second = Task {
                try await storage.transaction { _ in ran.withLock { $0 = true } }
            }
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            release.open()
            try await first.value
            try await storage.transaction { _ in }
            #expect(ran.withLock { $0 } == false)
        }
    }

    @Test func cancelledInTheQueueIsNotStarted() async throws {
        let request = PendingWrite(WriteRequest<Int>(bytes: 1) { _ in 7 }, result: WriteResult())
        await #expect(throws: CancellationError.self) {
            try await withCheckedThrowingContinuation { continuation in
                #expect(request.wait(continuation))
                request.cancel()
                if request.start() { request.finish(throwing: Refusal()) }
            }
        }
    }

    /// Its group was given up for the sake of another one: what it did there counts no more.
    @Test func aWriteThatRunsAgainTellsItsLastOutcome() async throws {
        try await withStorage { storage in
            let (started, startedContinuation) = AsyncStream<Void>.makeStream()
            let release = Gate()
            let first = Task {
                try await storage.write(
                    WriteRequest(bytes: 1) { _ in
                        startedContinuation.finish()
                        release.wait()
                    })
            }
            for await _ in started {}
            let runs = Mutex((fickle: 0, spoiler: 0))
            let (fickleResult, spoilerResult) = (WriteResult<Int>(), WriteResult<Int>())
            let fickle = PendingWrite(
                WriteRequest(bytes: 1) { _ in
                    guard
                        runs.withLock({
                            $0.fickle += 1
                            return $0.fickle
                        }) > 1
                    else { throw Refusal() }
                    return 7
                }, result: fickleResult)
            let spoiler = PendingWrite(
                WriteRequest(bytes: 1) { _ in
                    guard
                        runs.withLock({
                            $0.spoiler += 1
                            return $0.spoiler
                        }) > 1
                    else {
                        throw GroupFailure(underlying: Refusal())
                    }
                    return 8
                }, result: spoilerResult)
            async let fickleEnd: Void = storage.writer.wait(for: fickle)
            // The one that spoils the group comes second.
            while storage.writer.mailbox.count < 1 { await Task.yield() }
            async let spoilerEnd: Void = storage.writer.wait(for: spoiler)
            while storage.writer.mailbox.count < 2 { await Task.yield() }
            release.open()
            try await first.value
            try await fickleEnd
            try await spoilerEnd
            #expect(try fickleResult.taken() == 7)
            #expect(try spoilerResult.taken() == 8)
            #expect(runs.withLock { $0.fickle } == 2)
        }
    }

    @Test func onceStartedItsResultIsReturned() async throws {
        try await withStorage { storage in
            let (started, startedContinuation) = AsyncStream<Void>.makeStream()
            let release = Gate()
            let task = Task {
                try await storage.transaction { _ in
                    startedContinuation.finish()
                    release.wait()
                    return 7
                }
            }
            for await _ in started {}
            task.cancel()
            release.open()
            let value = try await task.value
            #expect(value == 7)
        }
    }
}

/// Holds the writer's thread until it is opened.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func wait() { semaphore.wait() }
    func open() { semaphore.signal() }
}
#endif
