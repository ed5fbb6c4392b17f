#if SQLite
import AfterCommit
import Logging

/// Looks once a minute for what nobody was told of, such as rows that another program marked by hand.
final class Sweep: Sendable {
    static let interval = Duration.seconds(60)

    private let task = Locked<Task<Void, Never>?>(nil)

    func start(_ context: SQLiteContext) {
        let new = Task { [weak context] in
            var next = context?.time.now()
            while let due = next.map({ $0 + Self.interval }), let time = context?.time {
                // Ends when it is stopped.
                guard (try? await time.sleep(until: due)) != nil, let context else { return }
                await Self.look(context)
                next = due
            }
        }
        task.withLock { task in
            task?.cancel()
            task = new
        }
    }

    func stop() {
        task.withLock { task in
            task?.cancel()
            task = nil
        }
    }

    private static func look(_ context: SQLiteContext) async {
        do {
            try await context.writeUncancelled { group in
                try group.context.tables.adopt(group)
                // A key may wait for a row that somebody took out of the engine's hands.
                group.change.formUnion([.claimable, .deadLetters])
            }
        } catch {
            context.logger.warning(
                "rows that nobody was told of cannot be looked for", metadata: [LogKey.error: "\(error)"])
        }
    }
}
#endif
