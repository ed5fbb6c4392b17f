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
        var report = Report(rounds: arguments.rounds)
        let progress = FileHandle.standardError
        for index in chapters.indices { try await chapters[index].prepare() }
        // The first round warms caches, files and memory up, and does not count.
        for round in 0...arguments.rounds {
            let begin = ContinuousClock.now
            for index in chapters.indices {
                let samples = try await chapters[index].round()
                if round > 0 { report.add(samples) }
            }
            let name = round == 0 ? "warm-up" : "round \(round) of \(arguments.rounds)"
            progress.write(Data("\(name): \((ContinuousClock.now - begin).seconds.short) s\n".utf8))
        }
        for index in chapters.indices { try await chapters[index].finish() }
        #if Postgres
        try postgres.stop()
        #endif
        try report.json().write(to: URL(fileURLWithPath: arguments.jsonPath))
        print(report.table())
    }
}
