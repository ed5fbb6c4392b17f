#if LMDB
import Foundation
import Testing

@testable import AfterCommit
@testable import AfterCommitLMDB

@Suite struct SubscriptionIdentityTests {
    private func ids(_ storage: LMDBStorage) async throws -> [UInt32] {
        let context = storage.context
        return try await storage.reader.read { try context.subscriptions($0).all().map(\.id) }
    }

    @Test func anIDIsNotGivenTwice() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            for round in 1...3 {
                _ = try await storage.attach("name-\(round)")
                #expect(try await ids(storage) == [UInt32(round)])
                storage.detach()
                #expect(try await storage.removeSubscription("name-\(round)") != nil)
                await storage.close()
                storage = try open(path)
            }
            await storage.close()
        }
    }

    @Test func aStoreThatKnowsNoLastIDKeepsThoseOfItsSubscriptions() async throws {
        try await withStorePath { path in
            var storage = try open(path)
            _ = try await storage.attach("first")
            try await storage.turnIntoVersion1()
            await storage.close()
            storage = try open(path)
            #expect(try await storage.removeSubscription("first") != nil)
            _ = try await storage.attach("second")
            #expect(try await ids(storage) == [2])
            await storage.close()
        }
    }

    @Test func whatWasInFlightForASubscriptionThatIsGoneIsNoSuspect() async throws {
        try await withStorePath { path in
            let storage = try open(path)
            _ = try await storage.attach("gone")
            let journal = try #require(storage.attemptJournal(subscription: "gone", lanes: 1))
            journal.began(1, lane: 0)
            // As a kill would leave it.
            let notes = try Data(contentsOf: URL(fileURLWithPath: path + "/in-flight"))
            storage.detach()
            #expect(try await storage.removeSubscription("gone") != nil)
            _ = try await storage.attach("other")
            storage.detach()
            try notes.write(to: URL(fileURLWithPath: path + "/in-flight"))
            let place = try await storage.attach("other")
            #expect(place.suspects.isEmpty)
            storage.detach()
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/in-flight")))
            let image = try bytes.withUnsafeBytes { try InFlightImage(decoding: $0) }
            #expect(image.slots.compactMap(\.suspect).isEmpty)
            await storage.close()
        }
    }

    @Test func noneIsForgottenWhileAnotherProcessDelivers() async throws {
        try await withStorage { storage in
            _ = try await storage.attach("ledger")
            storage.detach()
            // As another process holds it.
            let lock = try DeliveryLock(folder: storage.folder)
            await #expect {
                try await storage.removeSubscription("ledger")
            } throws: {
                code($0) == .storeBusy
            }
            lock.release()
            #expect(try await storage.removeSubscription("ledger") != nil)
            // And it is given up again.
            _ = try await storage.attach("ledger")
        }
    }

    @Test func anAttachmentThatFailsWatchesNoLonger() async throws {
        try await withStorage { storage in
            _ = try await storage.attach("ledger")
            storage.detach()
            let context = storage.context
            try await storage.damage(Array("ledger".utf8)) { _ in context.databases.subscriptions }
            await #expect(throws: StorageError.self) { try await storage.attach("ledger") }
            #expect(!storage.watch.isWatching)
        }
    }
}
#endif
