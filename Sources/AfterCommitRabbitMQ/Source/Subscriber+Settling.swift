#if RabbitMQ
import AfterCommit
import CRabbitMQ

extension Subscriber {
    func settle(_ settlements: [MessageSettlement]) throws {
        guard connection != nil else { return }
        let own = settlements.filter { $0.receipt.channel == generation }
        do throws(RabbitMQError) {
            try tell(own.map { ($0.receipt.tag, $0.outcome) })
        } catch {
            drop()
            throw error
        }
    }

    func tell(_ outcomes: [(tag: UInt64, outcome: MessageSettlement.Outcome)]) throws(RabbitMQError) {
        guard let connection else { return }
        let commands = acks.settle(outcomes)
        if commands.count > 1 { connection.cork() }
        for command in commands {
            switch command {
            case .accept(let tag, let multiple):
                var ack = amqp_basic_ack_t(delivery_tag: tag, multiple: multiple ? 1 : 0)
                try connection.send(AMQP_BASIC_ACK_METHOD, &ack)
            case .refuse(let tag, let multiple, let requeue):
                var nack = amqp_basic_nack_t(delivery_tag: tag, multiple: multiple ? 1 : 0, requeue: requeue ? 1 : 0)
                try connection.send(AMQP_BASIC_NACK_METHOD, &nack)
            }
        }
        connection.uncork()
    }
}
#endif
