import Foundation

/// The bytes of an in-flight file: whose it is, then slots. Bytes of any kind give a value or an error, never a trap.
struct InFlightImage: Equatable {
    /// What a file must say of itself for its notes to mean anything here.
    struct Header: Equatable {
        var identity: UUID
        /// Names this run of the machine. What was in flight before another start of it was not cut short by a handler.
        var bootID: String
        /// How far the store had come when the file was begun, as a number that only grows.
        var storePosition: UInt64
    }

    static let headerBytes = 128
    static let maxSlots = 65_536
    static let maxBytes = headerBytes + maxSlots * InFlightSlot.bytes
    private static let magic: UInt64 = 0x5448_474C_464E_4943
    private static let version: UInt32 = 1
    private static let bootIDStart = 40
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
        func word<Word: FixedWidthInteger>(at offset: Int, as _: Word.Type = UInt64.self) -> Word {
            Word(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Word.self))
        }
        guard word(at: 0) == Self.magic else { throw Self.damaged("it begins with other bytes") }
        let version = word(at: 8, as: UInt32.self)
        guard version == Self.version else { throw Self.damaged("its version is \(version)") }
        let bootIDBytes = Int(word(at: 12, as: UInt32.self))
        guard bootIDBytes <= Self.maxBootIDBytes else { throw Self.damaged("its boot id is too long") }
        guard
            let bootID = String(
                validating: bytes[Self.bootIDStart..<Self.bootIDStart + bootIDBytes], as: UTF8.self)
        else { throw Self.damaged("its boot id is no text") }
        header = Header(
            identity: UUID(high: word(at: 16), low: word(at: 24)), bootID: bootID, storePosition: word(at: 32))
        slots = []
        for offset in stride(from: Self.headerBytes, to: bytes.count, by: InFlightSlot.bytes) {
            guard let slot = InFlightSlot(sequence: word(at: offset), state: word(at: offset + 8)) else {
                throw Self.damaged("the slot at byte \(offset) is of no known kind")
            }
            slots.append(slot)
        }
    }

    /// Padded with free slots up to `slotCount`.
    func encoded(slotCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + max(slotCount, slots.count) * InFlightSlot.bytes)
        func put(_ word: some FixedWidthInteger) {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        func fill(to count: Int) {
            bytes.append(contentsOf: repeatElement(0, count: max(0, count - bytes.count)))
        }
        let bootID = Array(header.bootID.utf8.prefix(Self.maxBootIDBytes))
        put(Self.magic)
        put(Self.version)
        put(UInt32(bootID.count))
        put(header.identity.high)
        put(header.identity.low)
        put(header.storePosition)
        bytes += bootID
        fill(to: Self.headerBytes)
        for slot in slots {
            put(slot.sequence)
            put(slot.state)
        }
        fill(to: Self.headerBytes + slotCount * InFlightSlot.bytes)
        return bytes
    }

    /// What was in flight when the file's process ended, as far as it says anything of the store that `current` describes.
    func suspects(for current: Header) -> [InFlightFile.Suspect] {
        guard header.identity == current.identity, header.bootID == current.bootID,
            // Else the store is an older copy, whose sequences are other events'.
            header.storePosition <= current.storePosition
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
