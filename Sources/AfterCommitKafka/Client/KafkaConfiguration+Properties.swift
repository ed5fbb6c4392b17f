#if Kafka
extension KafkaConfiguration {
    /// Why a property cannot be set; `nil` for one that can be.
    static func refusal(of name: String) -> String? {
        if name.hasPrefix("test.") { return "it replaces the cluster by one of tests; use KafkaMockCluster" }
        return refusals[name]
    }

    private static let refusals: [String: String] = {
        let acknowledged = "an event is sent when all replicas in sync have it"
        let settled = "offsets are stored when their messages are settled"
        let groups: [(names: [String], reason: String)] = [
            (["bootstrap.servers", "metadata.broker.list"], "it is the parameter bootstrapServers"),
            (["acks", "request.required.acks"], acknowledged),
            (["enable.idempotence"], "a producer that is not idempotent doubles and disorders events"),
            (["enable.gapless.guarantee"], "one message that times out would end the producer"),
            (["queuing.strategy"], "events of a key are sent in their order"),
            (["transactional.id"], "the sink uses no transactions; the inbox of the receiver removes duplicates"),
            (["delivery.report.only.error"], "an event is sent when its report says so"),
            (["message.timeout.ms", "delivery.timeout.ms"], "it is messageTimeout of the sink's configuration"),
            (["enable.auto.offset.store", "offset.store.method"], settled),
            (["enable.auto.commit", "auto.commit.enable"], "\(settled), and the client commits what is stored"),
            (["enable.partition.eof"], "the end of a partition is no message"),
            (["group.id"], "it is the source's parameter group"),
            (
                ["partition.assignment.strategy"],
                "all members of a group must have the same, and this one's is cooperative-sticky"
            ),
            (["log.queue"], "the client logs to the logger that the sink or the source is given"),
        ]
        var refusals: [String: String] = [:]
        for group in groups {
            for name in group.names { refusals[name] = group.reason }
        }
        return refusals
    }()

    /// Whether a value may be a secret.
    static func isSecret(_ name: String) -> Bool {
        let parts = ["password", "secret", "token", "oauthbearer", ".pem", "ssl.key", "ssl_key", "username"]
        return parts.contains(where: name.contains)
    }
}
#endif
