#if Example
import AfterCommit
import AfterCommitLMDB
import Logging

extension LMDBTransaction: OrderTransaction {}
extension LMDBStorage: OrderStorage {}

extension OpenStore {
    static func lmdb(at path: String, isTemporary: Bool, _ events: Events, _ logger: Logger) throws -> Self {
        let storage = try LMDBStorage(path: path, events: events.ofLMDB, logger: logger)
        return Self(storage, events.choice(.lmdb(path: path)), temporaryPath: isTemporary ? path : nil) {
            await storage.close()
        }
    }
}

extension OpenStore.Events {
    fileprivate var ofLMDB: LMDBStorage.Events {
        switch self {
        case .outbox: .outbox
        case .statusColumn:
            .statusColumn(
                OrderTable.orders, key: { (event: OrderPlaced) in event.orderID },
                rebuild: { _, order in OrderPlaced(order) })
        }
    }
}
#endif
