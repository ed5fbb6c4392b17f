import Foundation
import Synchronization

#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

/// Looks whenever one of some files is written to, by whomever: by the system's notifications, or again and again where it
/// has none.
package final class FileWatch: Sendable {
    /// Writes that follow each other closely are looked at once.
    private static let pause = timespec(tv_sec: 0, tv_nsec: 20_000_000)
    /// A database notifies of a write before it flushes, and shows the commit only after that: one look may come too early.
    /// Further ones follow at growing distances, and never end, for what was not notified of.
    private static let firstWait = Duration.milliseconds(20)
    private static let longestWait = Duration.seconds(5)

    private let interval: Duration
    private let signal = Signal()
    private let isStopped = Atomic(false)
    /// The system's notifications and the files' numbers in them; negative and empty where there are none.
    private let notifications: Int32
    private let watches: [Int32]

    /// - Parameters:
    ///   - paths: the files. One that is not there is left out; where none is, they are looked at every `interval`.
    ///   - interval: how often to look without notifications.
    package init(paths: [String], interval: Duration) {
        self.interval = interval
        #if os(Linux)
        let notifications = inotify_init1(Int32(IN_CLOEXEC))
        var watches: [Int32] = []
        if notifications >= 0 {
            watches = paths.map { inotify_add_watch(notifications, $0, UInt32(IN_MODIFY)) }.filter { $0 >= 0 }
            if watches.isEmpty { close(notifications) }
        }
        self.notifications = watches.isEmpty ? -1 : notifications
        self.watches = watches
        #else
        notifications = -1
        watches = []
        #endif
    }

    deinit {
        if notifications >= 0 { close(notifications) }
    }

    /// Whether the system notifies; otherwise files are looked at every interval.
    package var isNotified: Bool { notifications >= 0 }

    /// Starts its thread.
    package func start(name: String, _ look: @escaping @Sendable () -> Void) {
        let thread = Thread { self.run(look) }
        thread.name = name
        thread.start()
    }

    /// It does not wait for the end of the thread.
    package func stop() {
        isStopped.store(true, ordering: .releasing)
        signal.raise()
        #if os(Linux)
        // The thread is told that the watches are gone, which ends its wait.
        for watch in watches { inotify_rm_watch(notifications, watch) }
        #endif
    }

    private func run(_ look: @Sendable () -> Void) {
        var isNotified = isNotified
        var wait = Self.longestWait
        while !isStopped.load(ordering: .acquiring) {
            switch isNotified ? waitForNotification(atMost: wait) : .unavailable {
            case .notified: wait = Self.firstWait
            case .timeout: wait = min(Self.longestWait, wait * 2)
            case .unavailable:
                isNotified = false
                _ = signal.wait(atMost: interval)
            }
            guard !isStopped.load(ordering: .acquiring) else { return }
            look()
        }
    }

    private enum Notification {
        case notified
        case timeout
        /// The system's notifications cannot be read.
        case unavailable
    }

    private func waitForNotification(atMost wait: Duration) -> Notification {
        var request = pollfd(fd: notifications, events: Int16(POLLIN), revents: 0)
        let milliseconds = Int32(clamping: Int64(wait / .milliseconds(1)))
        let ready = poll(&request, 1, milliseconds)
        if ready == 0 || (ready < 0 && errno == EINTR) { return .timeout }
        guard ready > 0 else { return .unavailable }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        guard read(notifications, &buffer, buffer.count) > 0 || errno == EINTR else { return .unavailable }
        var pause = Self.pause
        nanosleep(&pause, nil)
        return .notified
    }
}
