import AfterCommit
import Foundation
import Synchronization

/// A RabbitMQ of this process's own, started when it is first asked for. It ends with the process, however that ends.
package final class PrivateRabbitMQ: Sendable {
    /// Where it is, such as `amqp://guest:guest@127.0.0.1:23456`.
    package let url: String
    package let folder: String
    /// It runs for as long as this one's input is open.
    private let process: ChildProcess

    private static let started = Locked<[String: Result<PrivateRabbitMQ, any Error>]>([:])
    private static let lastName = Atomic(0)

    /// The one of this process, which also has TLS. It blocks until it is started.
    package static func shared() throws -> PrivateRabbitMQ { try shared("quiet", ["--tls"]) }

    /// One whose restarts and alarms disturb nobody who does not expect them. It blocks until it is started.
    package static func disturbed() throws -> PrivateRabbitMQ { try shared("disturbed", []) }

    private static func shared(_ name: String, _ options: [String]) throws -> PrivateRabbitMQ {
        try started.withLock { started in
            if let result = started[name] { return try result.get() }
            let result = Result { try PrivateRabbitMQ(options) }
            started[name] = result
            return try result.get()
        }
    }

    /// - Parameter options: those of `rabbitmq.sh serve`.
    package init(_ options: [String] = []) throws {
        process = try ChildProcess([Self.script, "serve"] + options)
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let bytes = process.output.availableData
            guard !bytes.isEmpty else { throw Failed(what: "serve") }
            line += bytes
        }
        let words = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count == 2 else { throw Failed(what: "serve") }
        (url, folder) = (words[0], words[1])
    }

    /// The address with TLS, without the parameters that say whom to trust.
    package func encryptedURL() throws -> String {
        let port = try String(contentsOfFile: folder + "/tls-port", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        return "amqps://guest:guest@localhost:\(port)"
    }

    /// Where the certificate of one is that has TLS. It signed itself.
    package var certificate: String { folder + "/server.crt" }

    /// A name that nobody else uses in this process.
    package static func name(_ prefix: String) -> String {
        "\(prefix)-\(lastName.wrappingAdd(1, ordering: .relaxed).newValue)"
    }

    /// Lets the server crash, and starts it again on the same port. It blocks until it accepts connections.
    package func restart() throws { _ = try run(["restart", folder]) }

    /// Lets the server crash.
    package func stop() throws { _ = try run(["stop", folder]) }

    /// Starts it again after ``stop()``.
    package func start() throws { _ = try run(["start", folder]) }

    /// Runs rabbitmqctl for it, and blocks meanwhile.
    /// - Returns: what it prints.
    @discardableResult
    package func control(_ arguments: [String]) throws -> String { try run(["control", folder] + arguments) }

    private func run(_ arguments: [String]) throws -> String {
        let child = try ChildProcess([Self.script] + arguments)
        try child.input.close()
        let output = child.output.readDataToEndOfFile()
        guard child.waitUntilEnded() == 0 else { throw Failed(what: arguments.joined(separator: " ")) }
        return String(decoding: output, as: UTF8.self)
    }

    /// Tests run from the package's folder.
    private static let script = FileManager.default.currentDirectoryPath + "/Tests/Scripts/rabbitmq.sh"

    package struct Failed: Error, CustomStringConvertible {
        let what: String

        package var description: String { "Tests/Scripts/rabbitmq.sh \(what) failed; see what it says" }
    }
}
