#if LMDB
import TestSupport
import Testing

@Suite struct FaultCrashLoopTests {
    @Test("23: a handler that kills the process ends as crashLoop, and what was in flight beside it is delivered")
    func aHandlerThatTraps() async throws {
        try await withStorePath { path in
            var deaths = 0
            var told: [String] = []
            while deaths < 10 {
                // A backtrace of each death would take seconds.
                let probe = try Probe(["crash-loop", path], wrapper: ["/usr/bin/env", "SWIFT_BACKTRACE=enable=no"])
                told += await probe.rest()
                if await probe.end() == 0 { break }
                deaths += 1
            }
            // Once among the others, then three times alone.
            #expect(deaths == 4)
            #expect(told.filter { $0.hasPrefix("dead ") } == ["dead crashLoop 13"])
            #expect(told.filter { $0.hasPrefix("delivered ") } == ["delivered 63"])
            let handled = told.filter { $0.hasPrefix("handled ") }
            #expect(Set(handled).count == 63)
            #expect(handled.count == 63)
        }
    }
}
#endif
