import AfterCommit
import AfterCommitLMDB

extension LMDBTransaction: OrderTransaction {}
extension LMDBStorage: OrderStorage {}
