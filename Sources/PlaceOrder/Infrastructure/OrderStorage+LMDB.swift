#if Example
import AfterCommitLMDB

extension LMDBTransaction: OrderTransaction {}
extension LMDBStorage: OrderStorage {}
#endif
