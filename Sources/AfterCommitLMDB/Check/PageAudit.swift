#if LMDB
import AfterCommit
import Foundation

/// Follows every tree of a data file, page by page, before LMDB does: what it asserts would end the process, and what it
/// believes would lead it outside of its map.
struct PageAudit {
    private enum Flag {
        static let branch: UInt16 = 1
        static let leaf: UInt16 = 2
        static let overflow: UInt16 = 4
        /// Of a value: it is on pages of its own; it is a tree's root.
        static let bigData: UInt16 = 1
        static let subTree: UInt16 = 2
    }

    private static let nodeBytes = 8
    private static let maxKeyBytes = 511
    private static let maxDepth = 32

    private let file: PageFile
    private var isUsed: [Bool]
    private(set) var damages: [StoreReport.Damage] = []

    init(_ file: PageFile) {
        self.file = file
        isUsed = Array(repeating: false, count: Int(file.lastPage) + 1)
    }

    mutating func run() {
        var freePages: [UInt64] = []
        follow(file.free, isSorted: false) { audit, page, value in
            audit.readFree(value, of: page, into: &freePages)
        }
        var trees: [(name: String, tree: PageTree)] = []
        follow(file.main, isSorted: true) { audit, page, value in
            guard value.flags & Flag.subTree != 0, value.bytes.count == PageTree.bytes else {
                return audit.note(page, "its list of tables has something else in it")
            }
            trees.append((String(decoding: value.key, as: UTF8.self), PageTree(value.bytes, at: 0)))
        }
        for (_, tree) in trees {
            follow(tree, isSorted: true) { audit, page, value in
                if value.flags & Flag.subTree != 0 { audit.note(page, "a value claims to be a tree") }
            }
        }
        for page in freePages {
            guard page < UInt64(isUsed.count), !isUsed[Int(page)] else {
                note(page, "it is free and in use")
                continue
            }
            isUsed[Int(page)] = true
        }
    }

    // MARK: Trees

    private struct Value {
        let key: ArraySlice<UInt8>
        let flags: UInt16
        let bytes: [UInt8]
    }

    private mutating func follow(
        _ tree: PageTree, isSorted: Bool, _ body: (inout PageAudit, UInt64, Value) -> Void
    ) {
        guard let root = tree.root else { return }
        guard (1...Self.maxDepth).contains(tree.depth) else {
            return note(root, "its tree has an impossible depth of \(tree.depth)")
        }
        var entries: UInt64 = 0
        var last: [UInt8]?
        follow(root, level: tree.depth, isSorted: isSorted, last: &last) { audit, page, value in
            entries += 1
            body(&audit, page, value)
        }
        if entries != tree.entries { note(root, "its tree has \(entries) entries and claims \(tree.entries)") }
    }

    private mutating func follow(
        _ number: UInt64, level: Int, isSorted: Bool, last: inout [UInt8]?,
        _ body: (inout PageAudit, UInt64, Value) -> Void
    ) {
        guard take(number), let page = read(number) else { return }
        let isLeaf = level == 1
        let flags = page.load(UInt16.self, at: 10)
        guard page.load(UInt64.self, at: 0) == number, flags == (isLeaf ? Flag.leaf : Flag.branch) else {
            return note(number, "its header is another page's")
        }
        let lower = Int(page.load(UInt16.self, at: 12))
        // A whole page of 64 KiB has no number of its own.
        let upper = Int(page.load(UInt16.self, at: 14))
        guard lower >= PageFile.headerBytes, lower % 2 == 0, lower <= upper, upper <= file.pageBytes else {
            return note(number, "its bounds are impossible")
        }
        let count = (lower - PageFile.headerBytes) / 2
        guard count >= (isLeaf ? 1 : 2) else { return note(number, "it has \(count) entries") }
        for index in 0..<count {
            let start = Int(page.load(UInt16.self, at: PageFile.headerBytes + 2 * index))
            guard start >= upper, start + Self.nodeBytes <= file.pageBytes else {
                note(number, "entry \(index) is outside of it")
                continue
            }
            let keyBytes = Int(page.load(UInt16.self, at: start + 6))
            let keyEnd = start + Self.nodeBytes + keyBytes
            guard keyBytes <= Self.maxKeyBytes, keyEnd <= file.pageBytes else {
                note(number, "the key of entry \(index) is outside of it")
                continue
            }
            let key = page[start + Self.nodeBytes..<keyEnd]
            let low = UInt64(page.load(UInt16.self, at: start)) | UInt64(page.load(UInt16.self, at: start + 2)) << 16
            let nodeFlags = page.load(UInt16.self, at: start + 4)
            if isLeaf {
                if isSorted, let last, !last.lexicographicallyPrecedes(key) {
                    note(number, "entry \(index) is not in order")
                }
                last = Array(key)
                guard nodeFlags == 0 || nodeFlags == Flag.bigData || nodeFlags == Flag.subTree else {
                    note(number, "entry \(index) is of no known kind")
                    continue
                }
                if let bytes = value(page, keyEnd, Int(low), nodeFlags, number) {
                    body(&self, number, Value(key: key, flags: nodeFlags, bytes: bytes))
                }
            } else {
                follow(
                    low | UInt64(nodeFlags) << 32, level: level - 1, isSorted: isSorted, last: &last, body)
            }
        }
    }

    private mutating func value(
        _ page: [UInt8], _ start: Int, _ count: Int, _ flags: UInt16, _ number: UInt64
    ) -> [UInt8]? {
        guard flags == Flag.bigData else {
            guard count <= file.pageBytes - start else {
                note(number, "a value is longer than its page")
                return nil
            }
            return Array(page[start..<start + count])
        }
        guard start + 8 <= file.pageBytes else {
            note(number, "a value's place is outside of it")
            return nil
        }
        let first = page.load(UInt64.self, at: start)
        guard let header = first > 1 && first <= file.lastPage ? read(first) : nil else {
            note(number, "a value's page \(first) is outside of the file")
            return nil
        }
        let pages = UInt64(header.load(UInt32.self, at: 12))
        guard header.load(UInt64.self, at: 0) == first, header.load(UInt16.self, at: 10) == Flag.overflow,
            pages > 0, pages <= file.lastPage - first + 1,
            count <= Int(pages) * file.pageBytes - PageFile.headerBytes
        else {
            note(first, "it is not the page of a value of \(count) bytes")
            return nil
        }
        for page in first..<first + pages where !take(page) { return nil }
        guard let bytes = read(first, count: Int(pages)) else { return nil }
        return Array(bytes[PageFile.headerBytes..<PageFile.headerBytes + count])
    }

    /// A list of page numbers: how many, then each, the greatest first.
    private mutating func readFree(_ value: Value, of page: UInt64, into free: inout [UInt64]) {
        guard value.key.count == 8, value.bytes.count >= 8,
            case let count = value.bytes.load(UInt64.self, at: 0), count <= UInt64(value.bytes.count / 8 - 1)
        else { return note(page, "its list of free pages cannot be read") }
        var last = UInt64.max
        for index in 0..<Int(count) {
            let number = value.bytes.load(UInt64.self, at: 8 * (index + 1))
            guard number < last, number > 1, number <= file.lastPage else {
                return note(page, "its list of free pages has \(number) in it")
            }
            last = number
            free.append(number)
        }
    }

    // MARK: Pages

    private mutating func take(_ number: UInt64) -> Bool {
        guard number > 1, number <= file.lastPage else {
            note(number, "it is outside of the file")
            return false
        }
        guard !isUsed[Int(number)] else {
            note(number, "it is used twice")
            return false
        }
        isUsed[Int(number)] = true
        return true
    }

    private mutating func read(_ number: UInt64, count: Int = 1) -> [UInt8]? {
        do throws(StorageError) {
            return try file.page(number, count: count)
        } catch {
            note(number, "\(error)")
            return nil
        }
    }

    private mutating func note(_ page: UInt64, _ problem: String) {
        damages.append(StoreReport.Damage(place: "page", key: Data("\(page)".utf8), problem: problem))
    }
}
#endif
