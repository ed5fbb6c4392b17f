#if RabbitMQ && LMDB
import AfterCommitRabbitMQ
import TestSupport

/// A private RabbitMQ, started for the first chapter that needs it. It ends with this process.
final class RabbitMQServer {
    private var server: PrivateRabbitMQ?

    var url: String {
        get throws {
            let server = try self.server ?? PrivateRabbitMQ()
            self.server = server
            return server.url
        }
    }
}
#endif
