import Foundation
import TestSupport
import Testing

@testable import AfterCommit

@Suite(.timeLimit(.minutes(1))) struct FaultInFlightTests {
    private let identity = UUID(uuid: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("in-flight-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        try await body(folder.path)
    }

    private func path(in folder: String) -> String { folder + "/in-flight" }

    private func opened(
        _ folder: String, boot: String = "boot", position: UInt64 = 10, identity: UUID? = nil
    ) throws -> (file: InFlightFile, suspects: [InFlightFile.Suspect]) {
        try InFlightFile.open(
            path: path(in: folder), identity: identity ?? self.identity, bootID: boot, storePosition: position)
    }

    private func suspect(_ subscription: UInt32, _ sequence: UInt64, _ deaths: UInt8 = 0) -> InFlightFile.Suspect {
        .init(subscription: subscription, sequence: sequence, deaths: deaths)
    }

    /// Lets a process make notes and kill itself.
    private func die(_ folder: String, _ notes: String..., boot: String = "boot") async throws -> [String] {
        let probe = try TestSupport.Probe(["die-in-flight", path(in: folder), boot, "10"] + notes)
        let told = await probe.rest()
        #expect(await probe.end() == SIGKILL)
        #expect(told.last == "dying")
        return told.filter { $0.hasPrefix("suspect") }
    }

    @Test func notesOfAKilledProcessAreFound() async throws {
        try await withFolder { folder in
            let first = try await die(folder, "run:1:0:100", "run:1:200:101", "run:2:5:102", "run:2:6:103", "end:2:6")
            #expect(first.isEmpty)
            let (file, suspects) = try opened(folder, position: 11)
            #expect(suspects == [suspect(1, 100), suspect(1, 101), suspect(2, 102)])
            file.end()
        }
    }

    @Test func onlyADeathWhileAloneCounts() async throws {
        try await withFolder { folder in
            _ = try await die(folder, "run:1:0:100", "run:1:1:101")
            // Beside others again: still none.
            #expect(try await die(folder, "run:1:0:7") == ["suspect 1:100:0", "suspect 1:101:0"])
            #expect(try await die(folder, "alone:1:100") == ["suspect 1:7:0", "suspect 1:100:0", "suspect 1:101:0"])
            let third = try await die(folder, "alone:1:100", "clear:1:7")
            #expect(third == ["suspect 1:7:0", "suspect 1:100:1", "suspect 1:101:0"])
            let fourth = try await die(folder, "alone:1:101", "clear:1:101", "alone:1:100")
            #expect(fourth == ["suspect 1:100:2", "suspect 1:101:0"])
            #expect(try opened(folder).suspects == [suspect(1, 100, 3)])
        }
    }

    @Test func anotherStartOfTheMachineForgets() async throws {
        try await withFolder { folder in
            _ = try await die(folder, "run:1:0:100")
            #expect(try opened(folder, boot: "other").suspects.isEmpty)
            // And it began anew: the first start of the machine finds nothing either.
            #expect(try opened(folder).suspects.isEmpty)
        }
    }

    @Test func notesOfAnotherStoreAreForgotten() async throws {
        try await withFolder { folder in
            _ = try await die(folder, "run:1:0:100")
            #expect(try opened(folder, identity: UUID()).suspects.isEmpty)
        }
    }

    @Test("Fault 46: an older backup under a newer in-flight file finds nothing")
    func restoredStoreForgets() async throws {
        try await withFolder { folder in
            _ = try await die(folder, "run:1:0:100")
            #expect(try opened(folder, position: 9).suspects.isEmpty)
        }
    }

    @Test func anOrderlyEndLeavesNoRunningOnes() async throws {
        try await withFolder { folder in
            _ = try await die(folder, "run:1:0:100", "run:1:1:101")
            let (file, _) = try opened(folder)
            let lanes = file.lanes(of: 1)
            lanes.began(5, lane: 0)
            lanes.beganAlone(100)
            lanes.beganAlone(101)
            lanes.released(101)
            file.end()
            #expect(try opened(folder).suspects == [suspect(1, 100), suspect(1, 101)])
        }
    }

    @Test func growsToItsLimitAndNoFurther() async throws {
        try await withFolder { folder in
            let (file, _) = try opened(folder)
            for subscription in UInt32(1)...9 {
                let lanes = file.lanes(of: subscription)
                for lane in 0..<8_192 { lanes.began(UInt64(lane) + 1, lane: lane) }
                lanes.began(1, lane: -1)
                lanes.began(1, lane: 1 << 20)
            }
            let (second, suspects) = try opened(folder)
            // Half of them are kept as suspects, so that there is room for lanes again.
            #expect(suspects.count == InFlightImage.maxSlots / 2)
            second.lanes(of: 1).began(77_777, lane: 3)
            #expect(try opened(folder).suspects.contains(suspect(1, 77_777)))
        }
    }

    @Test func garbageBeginsAnew() async throws {
        try await withFolder { folder in
            let path = URL(fileURLWithPath: path(in: folder))
            func check() throws {
                let (file, suspects) = try opened(folder)
                #expect(suspects.isEmpty)
                file.lanes(of: 3).began(4, lane: 0)
                #expect(try opened(folder).suspects == [suspect(3, 4)])
            }
            for size in [0, 1, 127, 128, 129, 2 << 20] {
                try Data(repeating: 1, count: size).write(to: path)
                try check()
            }
            try FileManager.default.removeItem(at: path)
            try FileManager.default.createSymbolicLink(atPath: path.path, withDestinationPath: folder + "/elsewhere")
            try check()
            #expect(!FileManager.default.fileExists(atPath: folder + "/elsewhere"))
        }
    }

    @Test("Fault 47: no bytes of an in-flight file trap")
    func anyBytesAreTaken() async throws {
        var random = Xoshiro256(seed: 7)
        let header = InFlightImage.Header(identity: identity, bootID: "boot", storePosition: 10)
        var image = InFlightImage(header: header, suspects: [suspect(1, 2, 3), suspect(4, 5)])
        image.slots.append(InFlightSlot(subscription: 9, sequence: 8, deaths: 255, kind: .alone))
        let whole = image.encoded(slotCount: 6)
        try whole.withUnsafeBytes { bytes in
            let decoded = try InFlightImage(decoding: bytes)
            #expect(decoded.header == header)
            #expect(Array(decoded.slots.prefix(3)) == image.slots)
            #expect(decoded.suspects(for: header) == [suspect(1, 2, 3), suspect(4, 5), suspect(9, 8, 255)])
        }
        for index in whole.indices {
            for _ in 0..<8 {
                var damaged = whole
                damaged[index] = .random(in: .min ... .max, using: &random)
                damaged.withUnsafeBytes { _ = try? InFlightImage(decoding: $0).suspects(for: header) }
            }
            whole.prefix(index).withUnsafeBytes { _ = try? InFlightImage(decoding: $0) }
        }
    }

    @Test func theFileIsPrivate() async throws {
        try await withFolder { folder in
            _ = try opened(folder)
            let attributes = try FileManager.default.attributesOfItem(atPath: path(in: folder))
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["in-flight"])
        }
    }

    @Test func theMachineTellsItsBootID() {
        #expect(BootID.current()?.isEmpty == false)
        #expect(BootID.current() == BootID.current())
    }
}
