#if LMDB
import AfterCommit
import AfterCommitLMDB
import Foundation
import TestSupport
import Testing

@Suite struct FaultMemoryTests {
    @Test("18: a process that is killed for want of memory loses nothing, and a backlog takes none")
    func killedForMemory() async throws {
        try await withStorePath { path in
            let probe = try Probe("open-breaker", path, "50000", "hold")
            var told: [String] = []
            for await line in probe.lines {
                told.append(line)
                // As the system does it to a process that takes too much: without a word.
                if line.hasPrefix("pending ") {
                    probe.signal(SIGKILL)
                    break
                }
            }
            #expect(await probe.end() == SIGKILL)
            let sizes = told.compactMap { line in line.split(separator: "memory ").dropFirst().first }
                .compactMap { Int($0.prefix { $0.isNumber }) }
            try #require(sizes.count == 2)
            // In KiB: the payloads alone would be more. The Address Sanitizer keeps what was freed.
            if dlsym(nil, "__asan_init") == nil { #expect(sizes[1] - sizes[0] < 16_384) }
            let storage = try LMDBStorage(path: path)
            let counts = try await storage.counts(subscription: "platform")
            #expect(counts.pending + counts.retrying == 50_020)
            await storage.close()
        }
    }
}
#endif
