import AfterCommit
import Testing

@Suite("When something that failed may be tried again")
struct RetryGateTests {
    private struct Refused: Error, Equatable {
        var number: Int
    }

    @Test("Later and later, until a try succeeds")
    func waits() {
        var gate = RetryGate<Refused>(.custom { .seconds($0 * 10) }, random: Xoshiro256(seed: 1))
        #expect(gate.refusal(now: .zero) == nil)
        gate.failed(Refused(number: 1), now: .seconds(1))
        #expect(gate.refusal(now: .seconds(10.9)) == Refused(number: 1))
        #expect(gate.refusal(now: .seconds(11)) == nil)
        gate.failed(Refused(number: 2), now: .seconds(11))
        #expect(gate.refusal(now: .seconds(30.9)) == Refused(number: 2))
        #expect(gate.refusal(now: .seconds(31)) == nil)
        gate.succeeded()
        #expect(gate.refusal(now: .zero) == nil)
        gate.failed(Refused(number: 3), now: .seconds(31))
        #expect(gate.refusal(now: .seconds(40.9)) == Refused(number: 3))
        #expect(gate.refusal(now: .seconds(41)) == nil)
    }

    @Test("At once after a first failure, and later after others")
    func firstAtOnce() {
        var gate = RetryGate<Refused>(
            .custom { .seconds($0 * 10) }, firstAtOnce: true, random: Xoshiro256(seed: 1))
        gate.failed(Refused(number: 1), now: .seconds(1))
        #expect(gate.refusal(now: .seconds(1)) == nil)
        gate.failed(Refused(number: 2), now: .seconds(2))
        #expect(gate.refusal(now: .seconds(11.9)) == Refused(number: 2))
        #expect(gate.refusal(now: .seconds(12)) == nil)
        gate.succeeded()
        gate.failed(Refused(number: 3), now: .seconds(12))
        #expect(gate.refusal(now: .seconds(12)) == nil)
    }
}
