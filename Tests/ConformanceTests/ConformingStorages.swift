public import AfterCommit
public import AfterCommitTesting

extension InMemoryTransaction: ConformanceTransaction {}
extension InMemoryStorage: ConformanceStorage {}

#if LMDB
public import AfterCommitLMDB

extension LMDBTransaction: ConformanceTransaction {}
extension LMDBStorage: ConformanceStorage {}
#endif
