import Foundation
import Synchronization

#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// Wakes a thread that works with a socket: raised by others, or because the socket is ready, or because it is time.
package final class SocketSignal: ThreadSignal, @unchecked Sendable {
    // Unchecked: what is watched is only touched by the thread that waits.
    private var descriptor: Int32 = -1
    private var events: Int16 = 0
    private var patience: Duration?
    /// A pipe, so that `poll` sees the one as it sees the other.
    private let reading: Int32
    private let writing: Int32
    private let isRaised = Atomic(false)

    package init() throws {
        let ends = try NonblockingPipe.ends()
        (reading, writing) = (ends.reading, ends.writing)
    }

    deinit {
        // Nothing was written that a close could lose.
        close(reading)
        close(writing)
    }

    /// What the next waits also end for. Only the thread that waits may call it.
    /// - Parameters:
    ///   - descriptor: `nil` for none.
    ///   - writing: whether also for room to write.
    ///   - patience: how long a wait may take.
    package func watch(_ descriptor: Int32?, writing: Bool, atMost patience: Duration?) {
        self.descriptor = descriptor ?? -1
        events = Int16(writing ? POLLIN | POLLOUT : POLLIN)
        self.patience = patience
    }

    package func raise() {
        // One byte is enough for all who raise it before the thread has looked.
        guard !isRaised.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        while write(writing, &byte, 1) < 0, errno == EINTR {}
    }

    package func wait() {
        _ = wait(patience)
    }

    package func wait(atMost duration: Duration) -> Bool {
        wait(min(duration, patience ?? duration))
    }

    private func wait(_ patience: Duration?) -> Bool {
        var descriptors = [
            pollfd(fd: reading, events: Int16(POLLIN), revents: 0), pollfd(fd: descriptor, events: events, revents: 0),
        ]
        // Interrupted by a signal, or refused by the system, it is only shorter.
        let count = poll(&descriptors, 2, patience.map { Int32(clamping: $0.wholeMilliseconds) } ?? -1)
        guard count > 0, descriptors[0].revents != 0 else { return false }
        var bytes: [UInt8] = [0, 0, 0, 0]
        while read(reading, &bytes, bytes.count) < 0, errno == EINTR {}
        // Whoever raises it from here on writes again; what they did before is seen by whoever goes on from here.
        return isRaised.exchange(false, ordering: .acquiringAndReleasing)
    }
}
