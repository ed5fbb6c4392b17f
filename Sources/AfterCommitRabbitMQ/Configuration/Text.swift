#if RabbitMQ
extension String {
    /// A C string ends there.
    var hasNUL: Bool { utf8.contains(0) }
}
#endif
