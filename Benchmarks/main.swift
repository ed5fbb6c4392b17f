import Foundation

do {
    let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
    if let path = arguments.memoryOf {
        #if LMDB
        try await MemoryUse.printOwn(storeAt: path)
        #endif
    } else {
        try await BenchmarkRun(arguments).callAsFunction()
    }
} catch {
    FileHandle.standardError.write(Data("Benchmarks: \(error)\n".utf8))
    exit(1)
}
