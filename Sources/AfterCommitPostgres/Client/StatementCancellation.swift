#if Postgres
import AfterCommit
import CLibPQ
import Foundation

/// The right to cancel what a connection does (libpq, `PQcancel`).
///
/// The request goes over a connection of its own. Before libpq 17 that is not encrypted, whatever the other one is: whoever
/// reads it can do no more than cancel what is cancelled already.
final class StatementCancellation: @unchecked Sendable {
    // Unchecked: libpq documents `PQcancel` as safe to call from any thread, and nothing else uses the pointer.
    private let pointer: OpaquePointer

    /// How long the thread that gives a connection up waits for the request to be heard.
    static let patience = Duration.seconds(1)

    /// `nil` for a connection that never was one.
    init?(_ connection: OpaquePointer) {
        guard let pointer = PQgetCancel(connection) else { return nil }
        self.pointer = pointer
    }

    deinit {
        PQfreeCancel(pointer)
    }

    /// Asks the server to cancel the statement under way, and waits a moment until it has heard.
    ///
    /// The call connects and blocks, for as long as a server is stopped: it has a thread of its own, which is left to itself
    /// then. It comes too late for nobody: the request names the server's process, which serves no other connection.
    func request() {
        let isHeard = Signal()
        let thread = Thread { [self] in
            var message = [CChar](repeating: 0, count: 256)
            // Nothing is to be done where it fails: the connection is given up, and the server's own limit ends the statement.
            _ = PQcancel(pointer, &message, Int32(message.count))
            isHeard.raise()
        }
        thread.name = "postgres-cancel"
        thread.start()
        _ = isHeard.wait(atMost: Self.patience)
    }
}
#endif
