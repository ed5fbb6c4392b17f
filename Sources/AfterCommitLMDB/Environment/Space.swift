#if LMDB
import AfterCommit

/// How much of the byte limit is used. The free pages are counted only near the limit: that walks a tree.
struct Space {
    /// LMDB's header and slot for a node in a page, and the key of the log.
    static let nodeBytes = 18
    /// Larger values get pages of their own.
    private static let maxInlineBytes = 2_000
    private static let usualPageBytes = 4_096

    /// What of ``diskBytes`` is kept for settling.
    static let diskReserveBytes = 1 << 20

    var limitBytes: Int
    let reserveBytes: Int
    /// How much of the file has a place on the disk for certain; `nil` where the system cannot tell.
    var diskBytes: Int?
    private var highWaterBytes = 0
    private var freeBytes = 0
    /// Written since the free pages were counted.
    private var writtenBytes = 0

    init(limitBytes: Int, reserveBytes: Int) {
        self.limitBytes = limitBytes
        self.reserveBytes = reserveBytes
    }

    /// What a value takes in a leaf or in pages of its own.
    static func storedBytes(of valueBytes: Int) -> Int {
        guard valueBytes > maxInlineBytes else { return valueBytes + nodeBytes }
        return (valueBytes + 2 * usualPageBytes - 1) / usualPageBytes * usualPageBytes
    }

    /// What emits and transactions may fill; the rest keeps settling possible.
    var emitLimitBytes: Int {
        min(limitBytes - reserveBytes, (diskBytes ?? .max) - Self.diskReserveBytes)
    }

    /// Whether it is the disk that leaves no room, and not the limit.
    var isDiskFull: Bool { emitLimitBytes < limitBytes - reserveBytes }

    /// An upper estimate.
    var usedBytes: Int { highWaterBytes - max(0, freeBytes - writtenBytes) }

    /// What transactions that settle may fill: they make room, and half of the reserve stays for plain settling.
    var settleLimitBytes: Int {
        min(limitBytes - reserveBytes / 2, (diskBytes ?? .max) - Self.diskReserveBytes / 2)
    }

    /// What a write may take its room from.
    enum Use {
        case usual
        /// It settles a delivery, for which the reserve is kept.
        case settling
        /// Its room was reserved before, so it is not asked for.
        case reserved
    }

    /// Whether so many further bytes of emits and transactions fit.
    func fits(_ bytes: Int, for use: Use = .usual) -> Bool {
        switch use {
        case .usual: usedBytes + bytes <= emitLimitBytes
        case .settling: usedBytes + bytes <= settleLimitBytes
        case .reserved: true
        }
    }

    /// Notes a commit.
    mutating func committed(bytes: Int, in environment: Environment) throws(StorageError) {
        highWaterBytes = try environment.highWaterBytes()
        writtenBytes += bytes
    }

    /// Counts the free pages: LMDB's free list is database 0, and each record begins with their number.
    mutating func countFreePages(in environment: Environment) throws(StorageError) {
        var pages = 0
        // LMDB shows its free list to read transactions only.
        let transaction = try environment.beginRead()
        defer { transaction.abort() }
        let cursor = try Cursor(transaction, 0)
        var entry = try cursor.first()
        while let current = entry {
            if current.value.count >= MemoryLayout<UInt>.size {
                pages += Int(current.value.loadUnaligned(as: UInt.self))
            }
            entry = try cursor.next()
        }
        freeBytes = pages * environment.pageBytes
        writtenBytes = 0
    }
}
#endif
