#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation

/// What happens to one store in LMDB.
extension FaultProbe {
    static let rows = Table<UInt64, Data>.raw("rows")

    /// - Returns: false for a command that is none of these.
    static func runOnLMDB(_ command: String, _ folder: String, _ rest: [String]) async throws -> Bool {
        switch command {
        case "emit": try await emit(folder, rest)
        case "stop-inside": try await stopInside(folder)
        case "die-reading": try await dieReading(folder)
        case "table": try await table(folder, rest)
        case "attach": try await attach(folder)
        case "dead": try await dead(folder, rest)
        case "descriptors": try await descriptors(folder)
        case "fork": try await forkOpen(folder)
        case "open-breaker": try await openBreaker(folder, rest)
        case "status-column": try await statusColumn(folder, rest)
        default: return false
        }
        return true
    }

    /// `emit FOLDER NAME COUNT [MAPBYTES]`: one event after another, and of each what became of it.
    private static func emit(_ folder: String, _ rest: [String]) async throws {
        let name = rest[0]
        let count = Int(rest[1]) ?? 0
        var configuration = LMDBStorage.Configuration(writerTimeout: .milliseconds(300))
        if rest.count > 2, let bytes = Int(rest[2]) { configuration.mapReserveBytes = bytes }
        let storage = try LMDBStorage(path: folder, configuration: configuration)
        let filler = rest.count > 3 ? String(repeating: "x", count: 6_000) : ""
        tell("open")
        for number in 0..<count {
            do {
                try await storage.emit(
                    Probed(process: name, number: number, filler: filler), headers: [:])
                tell("ack \(number)")
            } catch let error as StorageError {
                tell("\(error.code) \(error.processID ?? 0)")
            }
        }
        await storage.close()
        tell("closed")
    }

    /// Stops itself inside a transaction; when it is let go on, commits.
    private static func stopInside(_ folder: String) async throws {
        let storage = try LMDBStorage(path: folder)
        try await storage.transaction { tx in
            try tx.put(Data([1]), for: 1, in: rows)
            try tx.emit(Probed(process: "stopped", number: 0))
            tell("inside")
            raise(SIGSTOP)
        }
        tell("ack 0")
        await storage.close()
    }

    /// Kills itself inside a read, and leaves its place in LMDB's list of readers.
    private static func dieReading(_ folder: String) async throws {
        let storage = try LMDBStorage(path: folder)
        try await storage.read { _ in
            tell("reading")
            kill(getpid(), SIGKILL)
        }
    }

    /// Makes a table and writes a row.
    private static func table(_ folder: String, _ rest: [String]) async throws {
        let storage = try LMDBStorage(path: folder)
        let table = Table<UInt64, Data>.raw(rest[0])
        try await storage.transaction { try $0.put(Data("from another process".utf8), for: 7, in: table) }
        await storage.close()
        tell("ack")
    }

    /// Takes the right to deliver and keeps it until it is killed.
    private static func attach(_ folder: String) async throws {
        let storage = try LMDBStorage(path: folder)
        _ = try await storage.attach(
            [SubscriptionRegistration(name: "probe", types: [EventTypePattern(Probed.type)])], wake: { _ in })
        tell("attached")
        // The test ends it.
        while readLine() != nil {}
        await storage.close()
    }

    /// `dead FOLDER delete|redrive`: does that with all dead letters, without an engine.
    private static func dead(_ folder: String, _ rest: [String]) async throws {
        let storage = try LMDBStorage(path: folder)
        let ids = try await storage.deadLetters(DeadLetterQuery()).map(\.id)
        let done = try await rest == ["delete"] ? storage.deleteDeadLetters(ids) : storage.redrive(ids)
        tell("\(done.count)")
        await storage.close()
    }

    /// Uses all descriptors up, emits, and gives them back.
    private static func descriptors(_ folder: String) async throws {
        let storage = try LMDBStorage(path: folder)
        try await storage.emit(Probed(process: "d", number: 0), headers: [:])
        var limit = rlimit(rlim_cur: 64, rlim_max: 64)
        guard setrlimit(numericCast(RLIMIT_NOFILE.rawValue), &limit) == 0 else { fail("setrlimit: \(errno)") }
        var held: [Int32] = []
        while true {
            let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
            if file < 0 { break }
            held.append(file)
        }
        tell("exhausted \(errno == EMFILE)")
        try await storage.emit(Probed(process: "d", number: 1), headers: [:])
        tell("emitted")
        do {
            _ = try await storage.attach(
                [SubscriptionRegistration(name: "s", types: [EventTypePattern(Probed.type)])], wake: { _ in })
            tell("attached without descriptors")
        } catch let error as StorageError {
            tell("refused \(error.code)")
        }
        do {
            _ = try LMDBStorage(path: folder + ".other")
            tell("opened without descriptors")
        } catch let error as StorageError {
            tell("refused \(error.code)")
        }
        for file in held { close(file) }
        _ = try await storage.attach(
            [SubscriptionRegistration(name: "s", types: [EventTypePattern(Probed.type)])], wake: { _ in })
        try await storage.emit(Probed(process: "d", number: 2), headers: [:])
        let claimed = try await storage.claim(ClaimRequest(subscription: "s", limit: 9, now: .distantPast))
        tell("claimed \(claimed.deliveries.count)")
        await storage.close()
    }

    /// Uses the storage in a child that was forked, where the system lets a Swift program do that.
    private static func forkOpen(_ folder: String) async throws {
        let storage = try LMDBStorage(path: folder)
        try await storage.emit(Probed(process: "f", number: 0), headers: [:])
        // Swift hides it, for good reasons; other libraries of a program may call it all the same.
        guard let symbol = dlsym(nil, "fork") else { fail("dlsym: fork") }
        let child = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)()
        guard child >= 0 else { fail("fork: \(errno)") }
        if child == 0 {
            // Only this thread is left, so nothing here may suspend; a refusal does not.
            do {
                try await storage.emit(Probed(process: "child", number: 0), headers: [:])
                _exit(10)
            } catch let error as StorageError {
                tell("child refused \(error.code)")
            } catch {
                _exit(11)
            }
            if dlsym(nil, "__tsan_init") == nil {
                let isOpened = (try? LMDBStorage(path: folder)) != nil
                tell("child opens its own \(isOpened)")
            } else {
                // It lets no forked child start a thread.
                tell("the Thread Sanitizer lets no child open its own")
            }
            _exit(0)
        }
        var status: Int32 = -1
        guard waitpid(child, &status, 0) == child else { fail("waitpid: \(errno)") }
        tell("child ended \(status)")
        try await storage.emit(Probed(process: "f", number: 1), headers: [:])
        tell("parent goes on")
        await storage.close()
    }
}
#endif
