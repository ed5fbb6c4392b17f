import Testing

@testable import AfterCommit

@Suite struct LaneSetTests {
    @Test func isASetOfNumbers() {
        var random = Xoshiro256(seed: 11)
        var lanes = LaneSet()
        var model: Set<Int> = []
        for _ in 0..<20_000 {
            // Around the ends of words above all.
            let lane = [0, 1, 62, 63, 64, 65, 127, 128, 191, 192, 300].randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<10:
                lanes.insert(lane)
                model.insert(lane)
            case 10..<19:
                lanes.remove(lane)
                model.remove(lane)
            default:
                lanes.removeAll()
                model = []
            }
            #expect(Array(lanes) == model.sorted())
            #expect(lanes.isEmpty == model.isEmpty)
        }
    }

    @Test func isWalkedAsItWas() {
        var lanes = LaneSet()
        for lane in [3, 64, 130] { lanes.insert(lane) }
        var seen: [Int] = []
        for lane in lanes {
            seen.append(lane)
            lanes.removeAll()
        }
        #expect(seen == [3, 64, 130])
    }
}
