#if RabbitMQ
import AfterCommit

/// Reading a URL by hand, as RabbitMQ defines it ("RabbitMQ URI Specification", "RabbitMQ URI Query Parameters"). Foundation's
/// own parsing knows neither a list of hosts nor the difference between no virtual host and an empty one.
extension RabbitMQConfiguration {
    /// Reads `amqp://user:password@host:port/vhost` or `amqps://...`; what is left out has the default of
    /// ``init(hosts:user:password:virtualHost:tls:heartbeat:connectTimeout:connectionName:)``.
    ///
    /// Several hosts are separated by commas. Special characters are percent-encoded: the virtual host `/` is `%2F`, and one
    /// that is left out with its slash is `/` too. Parameters: `heartbeat` in seconds, `connection_timeout` in milliseconds,
    /// `cacertfile`, `certfile`, `keyfile`, `verify` (`verify_peer` or `verify_none`) and `name`.
    /// - Throws: ``RabbitMQError`` with `invalidConfiguration`. It does not quote the URL, which may hold a password.
    public init(_ url: String) throws(RabbitMQError) {
        self.init()
        var rest = Substring(url)
        switch Self.take(upTo: "://", from: &rest)?.lowercased() {
        case "amqp": break
        case "amqps": tls = TLS()
        default: throw Self.unreadable("it must begin with amqp:// or amqps://")
        }
        guard !rest.contains("#") else { throw Self.unreadable("it has a fragment; encode # as %23") }
        if let mark = rest.firstIndex(of: "?") {
            try readParameters(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            virtualHost = try Self.decoded(rest[rest.index(after: slash)...], "virtual host")
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = try Self.decoded(credentials[0], "user")
            if credentials.count > 1 { password = try Self.decoded(credentials[1], "password") }
            rest = rest[rest.index(after: at)...]
        }
        if !rest.isEmpty {
            hosts = try rest.split(separator: ",", omittingEmptySubsequences: false).map { text throws(RabbitMQError) in
                try Self.host(text)
            }
        }
    }

    private static func host(_ text: Substring) throws(RabbitMQError) -> Host {
        var name = text
        var port: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw unreadable("a bracket of a host is not closed") }
            name = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else { throw unreadable("a host has text behind its bracket") }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            name = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        var number: Int?
        if let port, !port.isEmpty {
            guard let value = Int(port), (1...65_535).contains(value) else {
                throw unreadable("a port is not a number between 1 and 65535")
            }
            number = value
        }
        let decoded = try decoded(name, "host")
        return Host(decoded.isEmpty ? "localhost" : decoded, port: number)
    }

    private mutating func readParameters(_ text: Substring) throws(RabbitMQError) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let value = parts.count > 1 ? try Self.decoded(parts[1], name) : ""
            switch name {
            case "heartbeat": heartbeat = .seconds(try Self.number(value, name))
            case "connection_timeout": connectTimeout = .milliseconds(try Self.number(value, name))
            case "name": connectionName = value
            case "cacertfile", "certfile", "keyfile", "verify": try readTLS(name, value)
            // Parameters of other clients, such as channel_max.
            default: continue
            }
        }
    }

    private mutating func readTLS(_ name: String, _ value: String) throws(RabbitMQError) {
        guard tls != nil else { throw Self.unreadable("\(name) is of use with amqps:// only") }
        switch (name, value) {
        case ("cacertfile", _): tls?.certificateAuthorities = value
        case ("certfile", _): tls?.certificate = value
        case ("keyfile", _): tls?.key = value
        case ("verify", "verify_peer"): tls?.verifiesCertificate = true
        case ("verify", "verify_none"):
            tls?.verifiesCertificate = false
            tls?.verifiesHost = false
        default: throw Self.unreadable("verify is neither verify_peer nor verify_none")
        }
    }

    private static func number(_ text: String, _ name: String) throws(RabbitMQError) -> Int64 {
        // Four bytes at most: no sum of it overflows.
        guard let value = Int64(text), (0...Int64(Int32.max)).contains(value) else {
            throw unreadable("\(name) is no whole number")
        }
        return value
    }

    private static func take(upTo mark: String, from text: inout Substring) -> Substring? {
        guard let range = text.firstRange(of: mark) else { return nil }
        defer { text = text[range.upperBound...] }
        return text[..<range.lowerBound]
    }

    private static func decoded(_ text: Substring, _ part: String) throws(RabbitMQError) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            // A sign is none, though it makes a number.
            guard digits.count == 2, digits.first != UInt8(ascii: "+"), let value = UInt8(Substring(digits), radix: 16)
            else {
                throw unreadable("the \(part) has a % that two hexadecimal digits do not follow")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw unreadable("the \(part) is not UTF-8")
        }
        return decoded
    }

    private static func unreadable(_ reason: String) -> RabbitMQError {
        RabbitMQError(
            .invalidConfiguration,
            "the URL cannot be read: \(reason). Write amqp://user:password@host:port/vhost, with special characters percent-encoded"
        )
    }
}
#endif
