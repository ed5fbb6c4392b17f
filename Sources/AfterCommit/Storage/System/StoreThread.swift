import Foundation
import Synchronization

/// A thread of its own for calls that block. It owns itself until it is stopped.
package final class StoreThread: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isStopping = false
        var hasEnded = false
        /// Whether a thread runs what came after the end.
        var isRunningLate = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    package let signal: any ThreadSignal
    private let state = Locked(State())
    private let threadID = Atomic<UInt>(0)
    private let name: String

    /// - Parameter signal: what it waits for between its jobs.
    package init(name: String, signal: any ThreadSignal = Signal()) {
        self.name = name
        self.signal = signal
    }

    /// Starts it.
    /// - Parameters:
    ///   - tick: how long it waits for a signal at most before it works again, `nil` for as long as it takes.
    ///   - work: runs on the thread after each signal or tick, and once before the thread ends.
    package func start(tick: Duration? = nil, _ work: @escaping @Sendable () -> Void = {}) {
        // The thread's closure keeps the executor: one that dies with its actor crashes.
        let thread = Thread { self.run(tick: tick, work) }
        thread.name = name
        thread.start()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Raised before the thread can take the job: it may be awake for another reason, and whoever the job belongs to may be the
        // last who keeps this executor, of which nothing may be touched then. The runtime only lends it here.
        let needsThread = state.withLock { state in
            state.jobs.append(job)
            guard state.hasEnded else {
                signal.raise()
                return false
            }
            defer { state.isRunningLate = true }
            return !state.isRunningLate
        }
        guard needsThread else { return }
        // A call that raced with the close: it only finds out that the storage is closed.
        Thread { self.runLate() }.start()
    }

    package func checkIsolated() {
        precondition(Self.currentThreadID == threadID.load(ordering: .relaxed) || state.withLock(\.hasEnded))
    }

    /// Lets it finish what waits, then end. It does not wait for that.
    package func stop() {
        state.withLock { $0.isStopping = true }
        signal.raise()
    }

    /// Waits until it has ended.
    package func end() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.waiters.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func run(tick: Duration?, _ work: @Sendable () -> Void) {
        threadID.store(Self.currentThreadID, ordering: .relaxed)
        while true {
            if let tick {
                // A tick is as good as a signal.
                _ = signal.wait(atMost: tick)
            } else {
                signal.wait()
            }
            runJobs()
            work()
            if state.withLock({ $0.isStopping && $0.jobs.isEmpty }) { break }
        }
        work()
        let waiters = state.withLock { state in
            state.hasEnded = true
            state.isRunningLate = true
            return state.waiters
        }
        runLate()
        for waiter in waiters { waiter.resume() }
    }

    /// Runs what came after the end one after the other: an actor has one job at a time, then as ever.
    private func runLate() {
        while goesOnLate { runJobs() }
    }

    private var goesOnLate: Bool {
        state.withLock { state in
            state.isRunningLate = !state.jobs.isEmpty
            return state.isRunningLate
        }
    }

    private func runJobs() {
        let jobs = state.withLock { state in
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    private static var currentThreadID: UInt {
        #if canImport(Darwin)
        UInt(bitPattern: pthread_self())
        #else
        UInt(pthread_self())
        #endif
    }
}
