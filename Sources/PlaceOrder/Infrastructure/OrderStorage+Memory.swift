#if Example
import AfterCommit

extension InMemoryTransaction: OrderTransaction {}
extension InMemoryStorage: OrderStorage {}
#endif
