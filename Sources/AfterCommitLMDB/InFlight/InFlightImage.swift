#if LMDB
import AfterCommit
import Foundation

/// The bytes of an in-flight file: whose it is, then slots. Bytes of any kind give a value or an error, never a trap.
struct InFlightImage: Equatable {
    /// What a file must say of itself for its notes to mean anything here.
    struct Header: Equatable {
        var identity: UUID
        /// Names this run of the machine. What was in flight before another start of it was not cut short by a handler.
        var bootID: String
        /// The store's last transaction when the file was begun.
        var lastTransactionID: UInt64
    }

    static let headerBytes = 128
    static let maxSlots = 65_536
    static let maxBytes = headerBytes + maxSlots * InFlightSlot.bytes
    private static let magic: UInt64 = 0x5448_474C_464E_4943
    private static let version: UInt32 = 1
    private static let maxBootIDBytes = 64

    var header: Header
    var slots: [InFlightSlot]

    init(header: Header, suspects: [InFlightFile.Suspect]) {
        self.header = header
        slots = suspects.map {
            InFlightSlot(subscription: $0.subscription, sequence: $0.sequence, deaths: $0.deaths, kind: .suspect)
        }
    }

    init(decoding bytes: UnsafeRawBufferPointer) throws(StorageError) {
        guard bytes.count >= Self.headerBytes, bytes.count <= Self.maxBytes,
            (bytes.count - Self.headerBytes) % InFlightSlot.bytes == 0
        else { throw Self.damaged("its size is \(bytes.count) bytes") }
        var reader = ByteReader(bytes)
        guard try reader.fixed(UInt64.self) == Self.magic else { throw Self.damaged("it begins with other bytes") }
        let version = try reader.fixed(UInt32.self)
        guard version == Self.version else { throw Self.damaged("its version is \(version)") }
        let bootIDBytes = Int(try reader.fixed(UInt32.self))
        guard bootIDBytes <= Self.maxBootIDBytes else { throw Self.damaged("its boot id is too long") }
        let high = try reader.fixed(UInt64.self)
        let low = try reader.fixed(UInt64.self)
        let lastTransactionID = try reader.fixed(UInt64.self)
        let start = 40
        guard
            let bootID = String(
                validating: bytes[start..<start + bootIDBytes], as: UTF8.self)
        else { throw Self.damaged("its boot id is no text") }
        header = Header(
            identity: UUID(high: high, low: low), bootID: bootID, lastTransactionID: lastTransactionID)
        slots = []
        for offset in stride(from: Self.headerBytes, to: bytes.count, by: InFlightSlot.bytes) {
            let sequence = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let state = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
            guard let slot = InFlightSlot(sequence: sequence, state: state) else {
                throw Self.damaged("the slot at byte \(offset) is of no known kind")
            }
            slots.append(slot)
        }
    }

    /// Padded with free slots up to `slotCount`.
    func encoded(slotCount: Int) -> [UInt8] {
        var writer = ByteWriter()
        let bootID = Array(header.bootID.utf8.prefix(Self.maxBootIDBytes))
        writer.put(fixed: Self.magic)
        writer.put(fixed: Self.version)
        writer.put(fixed: UInt32(bootID.count))
        writer.put(fixed: header.identity.high)
        writer.put(fixed: header.identity.low)
        writer.put(fixed: header.lastTransactionID)
        writer.bytes += bootID
        writer.bytes += [UInt8](repeating: 0, count: Self.headerBytes - writer.bytes.count)
        for slot in slots {
            writer.put(fixed: slot.sequence)
            writer.put(fixed: slot.state)
        }
        let rest = max(0, slotCount - slots.count)
        writer.bytes += [UInt8](repeating: 0, count: rest * InFlightSlot.bytes)
        return writer.bytes
    }

    /// What was in flight when the file's process ended, as far as it says anything of the store that `current` describes.
    func suspects(for current: Header) -> [InFlightFile.Suspect] {
        guard header.identity == current.identity, header.bootID == current.bootID,
            // Else the store is an older copy, whose sequences are other events'.
            header.lastTransactionID <= current.lastTransactionID
        else { return [] }
        var found: [InFlightFile.Suspect.Key: InFlightFile.Suspect] = [:]
        for suspect in slots.compactMap(\.suspect) {
            guard suspect.deaths >= found[suspect.key]?.deaths ?? 0 else { continue }
            found[suspect.key] = suspect
        }
        return found.values.sorted { ($0.subscription, $0.sequence) < ($1.subscription, $1.sequence) }
    }

    private static func damaged(_ what: String) -> StorageError {
        StorageError(.corrupted, "the in-flight file cannot be read: \(what)")
    }
}

extension UUID {
    fileprivate init(high: UInt64, low: UInt64) {
        self = withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) {
            UUID(uuid: $0.loadUnaligned(as: uuid_t.self))
        }
    }

    fileprivate var high: UInt64 {
        withUnsafeBytes(of: uuid) { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }

    fileprivate var low: UInt64 {
        withUnsafeBytes(of: uuid) { UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) }
    }
}
#endif
