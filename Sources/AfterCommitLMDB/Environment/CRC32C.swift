#if LMDB
import CLMDB

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes at a step, by the processor's instruction where it has one.
struct CRC32C {
    private var state: UInt32 = 0xFFFF_FFFF

    var value: UInt32 { ~state }

    private let usesInstruction: Bool
    private static let hasInstruction = crc32c_has_instruction()

    /// - Parameter usesInstruction: `false` asks for the tables, whatever the processor has.
    init(usesInstruction: Bool = true) {
        self.usesInstruction = usesInstruction && Self.hasInstruction
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        if usesInstruction {
            state = crc32c_by_instruction(state, bytes.baseAddress, bytes.count)
        } else {
            updateByTables(bytes)
        }
    }

    private mutating func updateByTables(_ bytes: UnsafeRawBufferPointer) {
        guard var position = bytes.baseAddress else { return }
        let end = position + bytes.count
        let table = Self.tables
        var crc = state
        while position + 8 <= end {
            let word = UInt64(littleEndian: position.loadUnaligned(as: UInt64.self)) ^ UInt64(crc)
            crc =
                table[1792 + Int(word & 0xFF)] ^ table[1536 + Int((word >> 8) & 0xFF)]
                ^ table[1280 + Int((word >> 16) & 0xFF)] ^ table[1024 + Int((word >> 24) & 0xFF)]
                ^ table[768 + Int((word >> 32) & 0xFF)] ^ table[512 + Int((word >> 40) & 0xFF)]
                ^ table[256 + Int((word >> 48) & 0xFF)] ^ table[Int(word >> 56)]
            position += 8
        }
        while position < end {
            crc = table[Int((crc ^ UInt32(position.load(as: UInt8.self))) & 0xFF)] ^ (crc >> 8)
            position += 1
        }
        state = crc
    }

    /// Eight tables of 256, one for each byte of a step. Filled once and never freed, hence safe to share.
    private nonisolated(unsafe) static let tables: UnsafePointer<UInt32> = {
        let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 2048)
        for index in 0..<256 {
            var crc = UInt32(index)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
            table[index] = crc
        }
        for index in 256..<2048 {
            let before = table[index - 256]
            table[index] = table[Int(before & 0xFF)] ^ (before >> 8)
        }
        return UnsafePointer(table)
    }()
}
#endif
