for rate in try await MemoryRates.measure() { print(rate) }
#if LMDB
for rate in try await LMDBRates.measure() { print(rate) }
#endif
