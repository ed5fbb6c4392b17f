#if RabbitMQ
import CRabbitMQ

extension BrokerConnection {
    /// - Throws: ``RabbitMQError`` with `topologyMismatch` or `topologyMissing`; the channel is closed then.
    func take(_ step: RabbitMQTopology.Step) throws(RabbitMQError) {
        var arena = BytesArena()
        let names = step.names.map { arena.append($0) }
        let arguments = step.arguments.map { entry in
            let text: BytesArena.Part? = if case .text(let text) = entry.value { arena.append(text) } else { nil }
            return (name: arena.append(entry.name), text: text, value: entry.value)
        }
        let result: Result<Void, RabbitMQError> = arena.withBytes { lent in
            var entries = arguments.map { argument in
                amqp_table_entry_t(
                    key: lent[argument.name], value: argument.value.field(text: argument.text.map { lent[$0] }))
            }
            return entries.withUnsafeMutableBufferPointer { entries in
                let table = amqp_table_t(num_entries: Int32(entries.count), entries: entries.baseAddress)
                return Result { () throws(RabbitMQError) in try take(step, names.map { lent[$0] }, table) }
            }
        }
        if case .failure(let error) = result { throw error.code == .channelClosed ? error.ofTopology : error }
    }

    private func take(
        _ step: RabbitMQTopology.Step, _ names: [amqp_bytes_t], _ arguments: amqp_table_t
    ) throws(RabbitMQError) {
        switch step {
        case .exchange(_, let passive):
            var declare = amqp_exchange_declare_t(
                ticket: 0, exchange: names[0], type: names[1], passive: passive ? 1 : 0, durable: 1, auto_delete: 0,
                internal: 0, nowait: 0, arguments: arguments)
            try call(AMQP_EXCHANGE_DECLARE_METHOD, &declare, answer: AMQP_EXCHANGE_DECLARE_OK_METHOD)
        case .queue(_, _, let passive):
            var declare = amqp_queue_declare_t(
                ticket: 0, queue: names[0], passive: passive ? 1 : 0, durable: 1, exclusive: 0, auto_delete: 0,
                nowait: 0, arguments: arguments)
            try call(AMQP_QUEUE_DECLARE_METHOD, &declare, answer: AMQP_QUEUE_DECLARE_OK_METHOD)
        case .binding:
            var bind = amqp_queue_bind_t(
                ticket: 0, queue: names[0], exchange: names[1], routing_key: names[2], nowait: 0, arguments: arguments)
            try call(AMQP_QUEUE_BIND_METHOD, &bind, answer: AMQP_QUEUE_BIND_OK_METHOD)
        }
    }
}

extension RabbitMQTopology.Step {
    fileprivate var names: [String] {
        switch self {
        case .exchange(let exchange, _): [exchange.name, exchange.kind.name]
        case .queue(let name, _, _): [name]
        case .binding(let queue, let binding): [queue, binding.exchange, binding.routingKey]
        }
    }

    fileprivate var arguments: [RabbitMQTopology.Entry] {
        if case .queue(_, let arguments, _) = self { arguments } else { [] }
    }
}

extension RabbitMQTopology.Queue.Argument {
    fileprivate func field(text: amqp_bytes_t?) -> amqp_field_value_t {
        var field = amqp_field_value_t()
        switch self {
        case .text:
            field.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
            field.value.bytes = text ?? amqp_empty_bytes
        case .integer(let number):
            field.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
            field.value.i64 = number
        case .boolean(let flag):
            field.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
            field.value.boolean = flag ? 1 : 0
        }
        return field
    }
}
#endif
