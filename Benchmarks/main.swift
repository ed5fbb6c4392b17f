// With an argument only the lines that contain it are measured.
let wanted = CommandLine.arguments.dropFirst().first ?? ""
for rate in try await MemoryRates.measure(wanted) { print(rate) }
#if LMDB
for rate in try await LMDBRates.measure(wanted) { print(rate) }
#endif
