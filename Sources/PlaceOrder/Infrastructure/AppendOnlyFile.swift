#if Example
import AfterCommit
import Foundation

/// A file of lines, each handed to the system before the call returns: a killed process loses none.
final class AppendOnlyFile: Sendable {
    private let descriptor: Int32
    private let path: String
    /// Keeps a line whole where the system takes only a part of it.
    private let turn = Locked(())

    /// Opens the file to write behind what it has, and creates it if there is none.
    /// - Throws: ``FileError`` with what the system said.
    init(_ path: String) throws {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        self.path = path
        guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
    }

    deinit {
        close(descriptor)
    }

    func append(_ line: String) throws {
        try turn.withLock { _ in
            var bytes = Array("\(line)\n".utf8)[...]
            while !bytes.isEmpty {
                let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                if written > 0 {
                    bytes = bytes.dropFirst(written)
                } else if errno != EINTR {
                    throw FileError(path: path, code: errno)
                }
            }
        }
    }
}

/// A file that cannot be opened or written.
struct FileError: Error, CustomStringConvertible {
    let path: String
    let code: Int32

    var description: String { "\(path): \(String(cString: strerror(code)))" }
}
#endif
