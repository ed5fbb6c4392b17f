import Foundation

/// What the operating system answered.
package struct SystemError: Error, Hashable, CustomStringConvertible {
    package let code: Int32
    package let operation: String

    package init(_ operation: String, code: Int32 = errno) {
        self.operation = operation
        self.code = code
    }

    package var description: String { "\(operation): \(String(cString: strerror(code))) [\(code)]" }
}

extension StorageError {
    package init(_ error: SystemError, _ message: String) {
        self.init(.systemFailure, message, cause: error)
    }

    package static let closed = Self(.closed, "the storage was closed")
}
