import Foundation

/// All chapters, round by round: what slows the machine for a while slows all of them.
struct BenchmarkRun {
    private let arguments: Arguments
    private var chapters: [any Chapter]
    #if Postgres
    private let postgres = PostgresServer()
    #endif

    init(_ arguments: Arguments) throws {
        self.arguments = arguments
        var chapters: [any Chapter] = []
        #if LMDB
        chapters += [
            try EmitLines(), try BatchLines(), try SettleLines(), try BusinessLines(), try BacklogLines(),
        ]
        #endif
        #if SQLite
        chapters += [try SQLiteEmitLines(), try SQLiteSettleLines()]
        #endif
        #if Postgres
        chapters += [PostgresEmitLines(postgres), PostgresSettleLines(postgres), PostgresBacklogLines(postgres)]
        #endif
        #if RabbitMQ && LMDB
        let rabbitMQ = RabbitMQServer()
        chapters += [RabbitMQRelayLines(rabbitMQ), RabbitMQConsumerLines(rabbitMQ)]
        #endif
        #if Kafka && LMDB
        chapters += [KafkaRelayLines(), KafkaConsumerLines()] as [any Chapter]
        #endif
        chapters.append(MemoryLines())
        self.chapters = chapters.filter { chapter in
            chapter.lines.contains { arguments.filter.isEmpty || $0.name.contains(arguments.filter) }
        }
        guard !self.chapters.isEmpty else {
            throw BenchmarkError("no line contains \"\(arguments.filter)\"")
        }
    }

    consuming func callAsFunction() async throws {
        let result: Swift.Result<Report, any Error>
        do {
            result = .success(try await measure())
        } catch {
            result = .failure(error)
        }
        let failures = await finish()
        for failure in failures { Self.tell("a chapter did not end as it should: \(failure)") }
        let report = try result.get()
        try report.json().write(to: URL(fileURLWithPath: arguments.jsonPath))
        print(report.table())
        if let failure = failures.first { throw failure }
    }

    /// Whatever happened, no store and no server stays behind.
    private mutating func finish() async -> [any Error] {
        var failures: [any Error] = []
        for index in chapters.indices {
            do { try await chapters[index].finish() } catch { failures.append(error) }
        }
        #if Postgres
        do { try postgres.stop() } catch { failures.append(error) }
        #endif
        return failures
    }

    private static func tell(_ line: String) {
        FileHandle.standardError.write(Data("\(line)\n".utf8))
    }

    private mutating func measure() async throws -> Report {
        var report = Report(rounds: arguments.rounds)
        for index in chapters.indices { try await chapters[index].prepare() }
        // The first round warms caches, files and memory up, and does not count.
        for round in 0...arguments.rounds {
            let begin = ContinuousClock.now
            for index in chapters.indices {
                let samples = try await chapters[index].round()
                if round > 0 { report.add(samples) }
            }
            let name = round == 0 ? "warm-up" : "round \(round) of \(arguments.rounds)"
            Self.tell("\(name): \((ContinuousClock.now - begin).seconds.short) s")
        }
        return report
    }
}
