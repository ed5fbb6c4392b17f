import AfterCommit
import Foundation

extension FaultProbe {
    /// Notes deliveries as being in flight and kills itself: `die-in-flight FILE BOOT POSITION NOTE...`, where a
    /// note is `run:SUBSCRIPTION:LANE:SEQUENCE`, `end:SUBSCRIPTION:LANE` or `alone:SUBSCRIPTION:SEQUENCE`.
    static func dieInFlight(_ file: String, _ rest: [String]) throws {
        let opened = try InFlightFile.open(
            path: file, identity: UUID(uuid: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)), bootID: rest[0],
            storePosition: UInt64(rest[1]) ?? 0)
        for suspect in opened.suspects {
            tell("suspect \(suspect.subscription):\(suspect.sequence):\(suspect.deaths)")
        }
        var lanes: [UInt32: InFlightLanes] = [:]
        for note in rest.dropFirst(2) {
            let parts = note.split(separator: ":")
            let subscription = UInt32(parts[1]) ?? 0
            let journal = lanes[subscription] ?? opened.file.lanes(of: subscription)
            lanes[subscription] = journal
            switch parts[0] {
            case "run": journal.began(UInt64(parts[3]) ?? 0, lane: Int(parts[2]) ?? 0)
            case "end": journal.ended(lane: Int(parts[2]) ?? 0)
            case "alone": journal.beganAlone(UInt64(parts[2]) ?? 0)
            case "clear": journal.cleared(UInt64(parts[2]) ?? 0)
            default: fail("unknown note \(note)")
            }
        }
        tell("dying")
        kill(getpid(), SIGKILL)
    }
}
