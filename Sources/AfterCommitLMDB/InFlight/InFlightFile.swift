#if LMDB
import AfterCommit
package import Foundation
package import Logging
import Synchronization

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

    package static let name = "in-flight"
    /// Slots are given away in runs of so many.
    static let chunkSlots = 64
    /// The file grows by so many slots, which is a few pages of memory.
    private static let growthSlots = 1_024

    private struct Room {
        /// Slots below are given away.
        var usedSlots: Int
        /// Slots that the disk has granted.
        var grantedSlots: Int
        var lanes: [UInt32: InFlightLanes] = [:]
        var suspects: [Suspect.Key: Int] = [:]
        var isExhausted = false
    }

    private let memory: InFlightMemory
    private let room: Mutex<Room>
    private let logger: Logger

    /// Opens the file of a store's folder, or begins a new one where there is none or where it tells of something else.
    /// - Parameters:
    ///   - identity: the store's.
    ///   - bootID: names this run of the machine, see ``BootID``.
    ///   - lastTransactionID: the store's.
    /// - Returns: the file, and what was in flight when its last process died, by subscription and sequence.
    /// - Throws: ``StorageError`` where the folder or the disk does not take a file. One can deliver without it.
    package static func open(
        folder: String, identity: UUID, bootID: String, lastTransactionID: UInt64,
        logger: Logger = Logger(label: "AfterCommitLMDB", factory: { _ in SwiftLogNoOpLogHandler() })
    ) throws -> (file: InFlightFile, suspects: [Suspect]) {
        let path = folder + "/" + name
        let header = InFlightImage.Header(
            identity: identity, bootID: bootID, lastTransactionID: lastTransactionID)
        let suspects = Array(found(at: path, header, logger).prefix(InFlightImage.maxSlots / 2))
        let chunks = (suspects.count + chunkSlots - 1) / chunkSlots
        let granted = max(growthSlots, chunks * chunkSlots + growthSlots)
        let image = InFlightImage(header: header, suspects: suspects)
        // The old notes stay until the new ones are whole.
        let memory = try InFlightMemory(replacing: path, with: image.encoded(slotCount: granted))
        let room = Room(
            usedSlots: chunks * chunkSlots, grantedSlots: granted,
            suspects: Dictionary(
                uniqueKeysWithValues: suspects.enumerated().map { ($0.element.key, $0.offset) }))
        return (InFlightFile(memory: memory, room: room, logger: logger), suspects)
    }

    private init(memory: InFlightMemory, room: Room, logger: Logger) {
        self.memory = memory
        self.room = Mutex(room)
        self.logger = logger
    }

    /// The notes of one subscription; the same object for each call.
    package func lanes(of subscription: UInt32) -> InFlightLanes {
        room.withLock { room in
            if let lanes = room.lanes[subscription] { return lanes }
            let lanes = InFlightLanes(subscription: subscription, file: self, memory: memory)
            room.lanes[subscription] = lanes
            return lanes
        }
    }

    /// Ends in order: what is still being tried was not cut short by a death.
    package func end() {
        room.withLock { room in
            for slot in 0..<room.usedSlots {
                guard var note = memory.slot(slot) else { continue }
                switch note.kind {
                case .running: memory.clear(slot)
                case .alone:
                    note.kind = .suspect
                    memory.put(note, in: slot)
                case .free, .suspect: break
                }
            }
            // They hold on to the file.
            room.lanes = [:]
        }
    }

    // MARK: Suspects

    func setKind(_ kind: InFlightSlot.Kind, of key: Suspect.Key) {
        room.withLock { room in
            guard let slot = room.suspects[key], var note = memory.slot(slot) else { return }
            note.kind = kind
            memory.put(note, in: slot)
        }
    }

    func clear(_ key: Suspect.Key) {
        room.withLock { room in
            guard let slot = room.suspects.removeValue(forKey: key) else { return }
            memory.clear(slot)
        }
    }

    // MARK: Room

    /// The first of a run of slots; `nil` where there is no room for more.
    func takeChunk() -> Int? {
        room.withLock { room in
            let end = room.usedSlots + Self.chunkSlots
            if end > room.grantedSlots {
                let wanted = min(room.grantedSlots + Self.growthSlots, InFlightImage.maxSlots)
                if end <= wanted, memory.grow(toSlots: wanted) { room.grantedSlots = wanted }
            }
            guard end <= room.grantedSlots else {
                if !room.isExhausted {
                    logger.warning(
                        "there is no room to note all deliveries in flight; after a crash some are not suspected",
                        metadata: [LogKey.count: "\(room.usedSlots)"])
                }
                room.isExhausted = true
                return nil
            }
            defer { room.usedSlots = end }
            return room.usedSlots
        }
    }

    // MARK: Reading

    private static func found(
        at path: String, _ header: InFlightImage.Header, _ logger: Logger
    ) -> [Suspect] {
        do {
            guard let bytes = try InFlightMemory.contents(of: path) else { return [] }
            return try withBytes(bytes) { bytes throws(StorageError) in
                try InFlightImage(decoding: bytes).suspects(for: header)
            }
        } catch {
            logger.warning(
                "what was in flight is not known; the in-flight file begins anew",
                metadata: [LogKey.error: "\(error)"])
            return []
        }
    }
}
#endif
