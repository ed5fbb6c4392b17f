import Foundation
import Synchronization
#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// Interrupts whoever waits for a server, from any thread: a pipe whose reading end becomes readable for good.
package final class Interrupt: Sendable {
    /// Readable once it was raised.
    package let descriptor: Int32
    private let writing: Int32
    private let raised = Atomic(false)

    package init() throws {
        let ends = try NonblockingPipe.ends()
        (descriptor, writing) = (ends.reading, ends.writing)
    }

    deinit {
        // Nothing was written that a close could lose.
        close(descriptor)
        close(writing)
    }

    package var isRaised: Bool { raised.load(ordering: .acquiring) }

    package func raise() {
        raised.store(true, ordering: .releasing)
        var byte: UInt8 = 1
        // A full pipe is readable already, and that is the only other way this fails while both ends are open.
        while write(writing, &byte, 1) < 0, errno == EINTR {}
    }

    /// Waits, unless it is raised.
    package func pause(_ duration: Duration) {
        var descriptor = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // Interrupted by a signal, or refused by the system, it is only shorter.
        _ = poll(&descriptor, 1, Int32(clamping: duration.wholeMilliseconds))
    }
}

/// A pipe that neither blocks nor is inherited.
enum NonblockingPipe {
    static func ends() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw StorageError(SystemError("pipe"), "no pipe could be made") }
        for end in ends {
            guard fcntl(end, F_SETFD, FD_CLOEXEC) == 0, fcntl(end, F_SETFL, O_NONBLOCK) == 0 else {
                let error = SystemError("fcntl")
                for end in ends { close(end) }
                throw StorageError(error, "no pipe could be made")
            }
        }
        return (ends[0], ends[1])
    }
}
