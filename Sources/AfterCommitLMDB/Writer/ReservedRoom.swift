#if LMDB
import AfterCommit
import Synchronization

/// Bytes that are promised to events to come, so that others are refused sooner.
final class ReservedRoom: Sendable {
    private let reserved = Atomic(0)

    var bytes: Int { reserved.load(ordering: .relaxed) }

    func reserve(_ bytes: Int) {
        reserved.wrappingAdd(bytes, ordering: .relaxed)
    }

    func giveBack(_ bytes: Int) {
        reserved.wrappingSubtract(bytes, ordering: .relaxed)
    }
}

extension RoomReservation {
    var bytes: Int { events * Self.bytesPerEvent }
}
#endif
