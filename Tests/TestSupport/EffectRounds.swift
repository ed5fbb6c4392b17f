import AfterCommit
import Foundation

/// Kills a program again and again that has effects through the inbox and inside settling transactions, and counts what
/// became of each.
///
/// Half of the kills are certain to fall between an effect's commit and its settlement: that attempt waits for its end. The
/// others fall some moments after an effect was told, which is anywhere around commits and settlements.
package struct EffectRounds {
    package enum Database: String, Sendable {
        case lmdb, sqlite, postgres

        /// How often it is killed before it may finish. On one server a delivery that is alone at three deaths is taken for
        /// their cause; in PostgreSQL what is pending waits for the lease of the killed.
        var killsInARow: Int {
            switch self {
            case .lmdb, .sqlite: 2
            case .postgres: 5
            }
        }
    }

    private let database: Database
    /// The store's folder, file or URL.
    private let place: String
    private let seed: UInt64
    private var random: Xoshiro256

    private var run = 0
    private var events = 0
    private var figures = Figures()
    /// In which run the inbox's effect of an event was told.
    private var runOfEffect: [Substring: Int] = [:]
    /// The runs that ended before an effect of theirs was settled.
    private var runsBetween: Set<Int> = []
    /// What it told last.
    private var lastLine = "nothing"

    /// - Parameter seed: the same one kills after the same effects and delays.
    package init(_ database: Database, at place: String, seed: UInt64) {
        self.database = database
        self.place = place
        self.seed = seed
        random = Xoshiro256(seed: seed)
    }

    /// Kills it as often as said, and lets it finish what is pending now and then. It ends early where an effect is amiss.
    package mutating func callAsFunction(kills: Int) async throws -> Figures {
        while figures.kills < kills {
            for _ in 0..<min(database.killsInARow, kills - figures.kills) { try await runAndKill() }
            try await runToTheEnd()
            guard figures.isEachOnce else { break }
        }
        figures.killsBetween = runsBetween.count
        return figures
    }

    private mutating func runAndKill() async throws {
        let count = 24
        let isHeld = Bool.random(using: &random)
        // Beside each event's effect through the inbox there is one inside the settling transaction.
        let last = Int.random(in: 1...(isHeld ? count : 2 * count), using: &random)
        let delay = Duration.microseconds(Int.random(in: 0...4_000, using: &random))
        let probe = try start(count: count, hold: isHeld ? last : 0)
        var effects = 0
        for await line in probe.lines {
            note(line)
            if line.hasPrefix("effect ") { effects += 1 }
            guard isHeld ? line == "held" : effects == last || line.hasPrefix("drained ") else { continue }
            try await Task.sleep(for: delay)
            break
        }
        probe.signal(SIGKILL)
        // What it told before it died counts too.
        for await line in probe.lines { note(line) }
        guard await probe.end() == SIGKILL else { throw unexpectedEnd }
        figures.kills += 1
    }

    private mutating func runToTheEnd() async throws {
        let probe = try start(count: 0, hold: 0)
        var numbers: [Int] = []
        for await line in probe.lines {
            note(line)
            guard line.hasPrefix("drained ") else { continue }
            numbers = line.split(separator: " ").compactMap { Int($0) }
            try probe.endInput()
        }
        guard await probe.end() == 0, numbers.count == 3 else { throw unexpectedEnd }
        (figures.once, figures.otherwise, figures.unsettled) = (numbers[0], numbers[1], numbers[2])
    }

    /// It emits all of its events before it has an effect.
    private mutating func start(count: Int, hold: Int) throws -> Probe {
        run += 1
        let probe = try Probe(["effects", place, database.rawValue, "\(events)", "\(count)", "\(hold)"])
        events += count
        figures.effects = 2 * events
        return probe
    }

    private mutating func note(_ line: String) {
        lastLine = line
        let words = line.split(separator: " ")
        guard words.count == 3, words[1] == "inbox" else { return }
        switch words[0] {
        case "effect": runOfEffect[words[2]] = run
        case "again":
            figures.answeredAgain += 1
            // One whose effect was not told died in between too, but nobody knows when.
            if let earlier = runOfEffect[words[2]], earlier < run { runsBetween.insert(earlier) }
        default: break
        }
    }

    private var unexpectedEnd: UnexpectedEnd { UnexpectedEnd(lastLine: lastLine, run: run, seed: seed) }

    package struct UnexpectedEnd: Error, CustomStringConvertible {
        let lastLine: String
        let run: Int
        let seed: UInt64
        package var description: String {
            "run \(run) of the probe ended in another way than it should (seed \(seed)); it told last: \(lastLine)"
        }
    }
}

extension EffectRounds {
    package struct Figures: Sendable, Equatable, CustomStringConvertible {
        package var kills = 0
        /// Of these, how many fell between an effect's commit and its settlement: the delivery came again, and the inbox
        /// said that its effect was there.
        package var killsBetween = 0
        /// How many deliveries the inbox answered so.
        package var answeredAgain = 0
        /// How many effects there should be.
        package var effects = 0
        /// How many of these were had once.
        package var once = 0
        /// How many were had more often.
        package var otherwise = 0
        /// How many deliveries are pending, or dead letters.
        package var unsettled = 0

        package var isEachOnce: Bool { once == effects && otherwise == 0 && unsettled == 0 }

        package var description: String {
            "kills \(kills) between effect and settlement \(killsBetween) answered by the inbox \(answeredAgain) "
                + "effects \(effects) had once \(once) more often \(otherwise) unsettled \(unsettled)"
        }
    }
}
