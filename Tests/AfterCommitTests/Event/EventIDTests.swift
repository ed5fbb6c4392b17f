import AfterCommit
import AfterCommitTesting
import Foundation
import Testing

@Suite struct EventIDTests {
    private func generator(at date: Date = Date(timeIntervalSince1970: 1_800_000_000)) -> (
        EventIDGenerator, ManualWallClock
    ) {
        let clock = ManualWallClock(date: date)
        return (EventIDGenerator(wallClock: clock, random: Xoshiro256(seed: 1)), clock)
    }

    @Test func isAUUIDOfVersion7() throws {
        let (generator, _) = generator()
        let id = generator.next()
        let text = id.description
        #expect(text.count == 36)
        #expect(Array(text)[14] == "7")
        #expect("89ab".contains(Array(text)[19]))
        #expect(id.milliseconds == 1_800_000_000_000)
        #expect(id.uuid.uuidString.lowercased() == text)
        #expect(EventID(text) == id)
        #expect(EventID(id.uuid) == id)
    }

    @Test func growsWhateverTheWallClockDoes() {
        let (generator, clock) = generator()
        var ids: [EventID] = []
        for _ in 0..<10_000 { ids.append(generator.next()) }
        clock.advance(by: .seconds(-3600))
        for _ in 0..<10_000 { ids.append(generator.next()) }
        clock.advance(by: .seconds(365 * 86_400))
        for _ in 0..<10 { ids.append(generator.next()) }
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
        #expect(Set(ids).count == ids.count)
        #expect(ids.map(\.description) == ids.map(\.description).sorted())
    }

    @Test func goesOnPastWhatAStoreHolds() {
        let (ahead, clock) = generator()
        clock.advance(by: .seconds(60))
        let newest = ahead.next()
        let (behind, _) = generator()
        behind.advance(past: newest)
        #expect(behind.next() > newest)
    }

    @Test func survivesItsCoding() throws {
        let (generator, _) = generator()
        let id = generator.next()
        let bytes = try JSONEncoder().encode([id])
        #expect(try JSONDecoder().decode([EventID].self, from: bytes) == [id])
        #expect(EventID("not an id") == nil)
    }

    @Test(arguments: [
        "019a1825-6180-7000-A02c-0687ff64dac7", "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "019a18256180-7000-a02c-0687ff64dac7-", "",
        "g19a1825-6180-7000-a02c-0687ff64dac7",
        "019a1825-6180-7000-a02c-0687ff64dac", "019a1825-6180-7000-a02c-0687ff64dac7 ",
        "019a1825_6180-7000-a02c-0687ff64dac7",
    ])
    func isReadAsFoundationReadsIt(_ text: String) {
        #expect(EventID(text)?.uuid == UUID(uuidString: text))
    }
}
