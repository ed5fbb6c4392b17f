import Foundation

/// Folders for stores that are measured.
enum Scratch {
    static func folder(_ name: String) throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("benchmark-\(name)-\(UUID()).lmdb")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        return folder
    }

    static func remove(_ folder: URL) throws {
        try FileManager.default.removeItem(at: folder)
    }
}
