import AfterCommit
import Testing

@Suite struct ProbeFailuresTests {
    @Test func isChargedAfterThreeWhileAnothersSucceeded() {
        var probes = ProbeFailures()
        #expect(probes.failed(1) == false)
        #expect(probes.failed(1) == false)
        probes.succeeded(2)
        #expect(probes.failed(1) == true)
        #expect(probes.count == 0)
    }

    @Test func isNotChargedWhileTheEndpointIsDownForAll() {
        var probes = ProbeFailures()
        for _ in 0..<10 {
            #expect(probes.failed(1) == false)
            #expect(probes.failed(2) == false)
        }
    }

    @Test func anothersSuccessCountsOnlyAfterTheFirstFailure() {
        var probes = ProbeFailures()
        probes.succeeded(2)
        for _ in 0..<5 { #expect(probes.failed(1) == false) }
        probes.succeeded(2)
        #expect(probes.failed(1) == true)
    }

    @Test func startsAnewAfterItsOwnSuccessOrWhenForgotten() {
        var probes = ProbeFailures()
        for end in [{ (p: inout ProbeFailures) in p.succeeded(1) }, { $0.forget(1) }] {
            _ = probes.failed(1)
            _ = probes.failed(1)
            end(&probes)
            probes.succeeded(2)
            #expect(probes.failed(1) == false)
            end(&probes)
        }
        #expect(probes.count == 0)
    }
}

@Suite struct OverstayWatchTests {
    @Test func saysItOnceAMinute() {
        var watch = OverstayWatch()
        #expect(watch.shouldWarn(running: 0, now: .zero) == false)
        #expect(watch.shouldWarn(running: 1, now: .seconds(5)) == true)
        #expect(watch.shouldWarn(running: 7, now: .seconds(64)) == false)
        #expect(watch.shouldWarn(running: 7, now: .seconds(65)) == true)
        #expect(watch.shouldWarn(running: 0, now: .seconds(200)) == false)
    }
}
