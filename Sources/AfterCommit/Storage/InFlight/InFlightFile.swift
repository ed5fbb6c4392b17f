package import Foundation
package import Logging

/// Notes which deliveries are being tried, in a small mapped file beside the store.
///
/// A note is two plain stores: no lock, no call, no flush. The system keeps the pages when the process dies, so that the
/// next one knows what was cut short; they mean nothing after a restart of the machine, and are then forgotten.
/// Only the process that delivers opens it.
package final class InFlightFile: Sendable {
    /// A delivery that was being tried when a process died.
    package struct Suspect: Hashable, Sendable {
        package struct Key: Hashable, Sendable {
            package let subscription: UInt32
            package let sequence: UInt64
        }

        package let subscription: UInt32
        package let sequence: UInt64
        /// How often a process died while this was tried alone.
        package let deaths: UInt8

        package var key: Key { Key(subscription: subscription, sequence: sequence) }
    }

    private let room: InFlightRoom
    private let lanes = Locked<[UInt32: InFlightLanes]>([:])

    /// Opens the file, or begins a new one where there is none or where it tells of something else.
    /// - Parameters:
    ///   - identity: the store's.
    ///   - bootID: names this run of the machine, see ``BootID``.
    ///   - storePosition: how far the store has come, as a number that only grows.
    ///   - subscriptions: the ids of those that exist; notes of others are dropped. Default `nil`: none are.
    /// - Returns: the file, and what was in flight when its last process died, by subscription and sequence.
    /// - Throws: ``StorageError`` where the folder or the disk does not take a file. One can deliver without it.
    package static func open(
        path: String, identity: UUID, bootID: String, storePosition: UInt64, subscriptions: Set<UInt32>? = nil,
        logger: Logger = Logger(label: "AfterCommit", factory: { _ in SwiftLogNoOpLogHandler() })
    ) throws -> (file: InFlightFile, suspects: [Suspect]) {
        let header = InFlightImage.Header(identity: identity, bootID: bootID, storePosition: storePosition)
        let known = found(at: path, header, logger).filter { subscriptions?.contains($0.subscription) ?? true }
        let suspects = Array(known.prefix(InFlightImage.maxSlots / 2))
        let granted = InFlightRoom.slots(forSuspects: suspects.count)
        let image = InFlightImage(header: header, suspects: suspects)
        // The old notes stay until the new ones are whole.
        let memory = try InFlightMemory(replacing: path, with: image.encoded(slotCount: granted))
        let room = InFlightRoom(memory, grantedSlots: granted, suspects: suspects, logger: logger)
        return (InFlightFile(room), suspects)
    }

    private init(_ room: InFlightRoom) {
        self.room = room
    }

    /// The notes of one subscription; the same object for each call.
    package func lanes(of subscription: UInt32) -> InFlightLanes {
        lanes.withLock { known in
            if let lanes = known[subscription] { return lanes }
            let lanes = InFlightLanes(subscription: subscription, room: room)
            known[subscription] = lanes
            return lanes
        }
    }

    /// Those of a subscription that were in flight and are still to be delivered; the notes of the others are cleared.
    package func suspects(
        of subscription: UInt32, among found: [Suspect], isOpen: (UInt64) throws -> Bool
    ) rethrows -> [SubscriptionPlace.Suspect] {
        var open: [SubscriptionPlace.Suspect] = []
        for suspect in found where suspect.subscription == subscription {
            if try isOpen(suspect.sequence) {
                open.append(.init(sequence: suspect.sequence, deaths: Int(suspect.deaths)))
            } else {
                lanes(of: subscription).cleared(suspect.sequence)
            }
        }
        return open
    }

    /// Ends in order: what is still being tried was not cut short by a death.
    package func end() {
        room.end()
    }

    // MARK: Reading

    private static func found(
        at path: String, _ header: InFlightImage.Header, _ logger: Logger
    ) -> [Suspect] {
        do {
            guard let bytes = try InFlightMemory.contents(of: path) else { return [] }
            return try bytes.withUnsafeBytes { try InFlightImage(decoding: $0).suspects(for: header) }
        } catch {
            logger.warning(
                "what was in flight is not known; the in-flight file begins anew",
                metadata: [LogKey.error: "\(error)"])
            return []
        }
    }
}
