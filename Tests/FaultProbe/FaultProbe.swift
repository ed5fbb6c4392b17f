import AfterCommit
import Foundation

/// A small program that the tests of faults start, stop, starve and kill. It tells what it does in lines.
@main
enum FaultProbe {
    struct Probed: Event {
        static let type: EventType = "probed"
        var process: String
        var number: Int
        var filler = ""
    }

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 2 else { fail("FaultProbe COMMAND PLACE [ARGUMENT...]") }
        let (command, place, rest) = (arguments[0], arguments[1], Array(arguments.dropFirst(2)))
        do {
            switch command {
            case "effects": try await effects(place, rest)
            case "effect-rounds": try await effectRounds(place, rest)
            case "compensations": try await compensations(place, rest)
            case "crash-loop": try await crashLoop(place, rest)
            case "die-in-flight": try dieInFlight(place, rest)
            default:
                #if LMDB
                if try await runOnLMDB(command, place, rest) { return }
                #endif
                fail("unknown command \(command)")
            }
        } catch {
            fail("\(error)")
        }
    }

    // MARK: Lines

    static func tell(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        // Unbuffered: what was told is told, however it ends.
        guard write(1, bytes, bytes.count) == bytes.count else { exit(3) }
    }

    static func fail(_ message: String) -> Never {
        tell("failed: \(message)")
        exit(2)
    }
}
