#if Kafka
import Foundation

/// A regular expression for names of topics, as the client reads it: POSIX, extended.
struct TopicPattern: ~Copyable {
    private let expression: regex_t

    /// Whether a topic is named by a regular expression.
    static func describes(_ topic: String) -> Bool { topic.hasPrefix("^") }

    /// - Throws: ``KafkaError`` for what is no regular expression.
    init(_ pattern: String) throws(KafkaError) {
        var expression = regex_t()
        let result = regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB)
        guard result != 0 else {
            self.expression = expression
            return
        }
        var text = [CChar](repeating: 0, count: 256)
        regerror(result, &expression, &text, text.count)
        let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        throw KafkaError(
            .invalidTopic, "\(String(pattern.prefix(100)).debugDescription) is no regular expression: \(reason)")
    }

    deinit {
        var expression = expression
        regfree(&expression)
    }

    func matches(_ topic: String) -> Bool {
        withUnsafePointer(to: expression) { regexec($0, topic, 0, nil, 0) == 0 }
    }
}
#endif
