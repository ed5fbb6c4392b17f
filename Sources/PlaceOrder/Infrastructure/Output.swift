#if Example
import Foundation
import Logging

/// What the command line says. A reader that went away is no reason to fail.
enum Output {
    /// Writes to a pipe that nobody reads then end with an error instead of the process.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Results: standard output.
    static func result(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }

    /// Everything else: standard error.
    static func note(_ text: String) {
        write(text + "\n", to: STDERR_FILENO)
    }

    /// Replaces the line that is being written, on a terminal.
    static func progress(_ text: String) {
        write("\r\u{1B}[2K" + text, to: STDERR_FILENO)
    }

    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// A logger that writes to standard error, so that standard output holds results only.
    static func logger(_ level: Logger.Level) -> Logger {
        var logger = Logger(label: "place-order", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = level
        return logger
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                bytes = bytes.dropFirst(written)
            } else if errno != EINTR {
                return
            }
        }
    }
}
#endif
