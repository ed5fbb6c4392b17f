import AfterCommit
package import Foundation
import Synchronization

/// A PostgreSQL of this process's own, started when it is first asked for. It ends with the process, however that ends.
package final class PrivatePostgres: Sendable {
    /// Where it is, such as `postgresql://postgres@127.0.0.1:23456/postgres`.
    package let url: String
    private let folder: String
    /// It runs for as long as this one's input is open.
    private let process: ChildProcess

    private static let started = Locked<[[String]: Result<PrivatePostgres, any Error>]>([:])
    private static let lastDatabase = Atomic(0)

    /// The one of this process. It blocks until it is started.
    package static func shared() throws -> PrivatePostgres { try shared([]) }

    /// One that has a certificate for `localhost`, see ``certificate``, which signed itself. It blocks until it is started.
    package static func encrypted() throws -> PrivatePostgres { try shared(["--tls"]) }

    private static func shared(_ options: [String]) throws -> PrivatePostgres {
        try started.withLock { started in
            if let result = started[options] { return try result.get() }
            let result = Result { try PrivatePostgres(options) }
            started[options] = result
            return try result.get()
        }
    }

    /// - Parameter options: those of `postgres.sh serve`.
    package init(_ options: [String] = []) throws {
        process = try ChildProcess([Self.script, "serve"] + options)
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let bytes = process.output.availableData
            guard !bytes.isEmpty else { throw NotStarted() }
            line += bytes
        }
        let words = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count == 2 else { throw NotStarted() }
        (url, folder) = (words[0], words[1])
    }

    /// Where the certificate is of one that has TLS.
    package var certificate: String { folder + "/server.crt" }

    /// Makes a database that nobody else uses. It blocks meanwhile.
    /// - Returns: its address.
    package func makeDatabase() throws -> String {
        let name = "test\(Self.lastDatabase.wrappingAdd(1, ordering: .relaxed).newValue)"
        let making = try ChildProcess([Self.script, "database", url, name])
        guard making.waitUntilEnded() == 0 else { throw NotStarted() }
        return String(url.dropLast("postgres".count)) + name
    }

    /// Lets the server crash, and starts it again on the same port. It blocks until it accepts connections.
    package func restart() throws {
        let restart = try ChildProcess([Self.script, "restart", folder])
        guard restart.waitUntilEnded() == 0 else { throw NotStarted() }
    }

    /// Ends it, and waits until its folder is gone.
    package func stop() throws {
        try process.input.close()
        guard process.waitUntilEnded() == 0 else { throw NotStarted() }
    }

    /// The server's own process, which answers SIGSTOP and SIGCONT.
    package func serverID() throws -> pid_t {
        let text = try String(contentsOfFile: folder + "/data/postmaster.pid", encoding: .utf8)
        guard let id = text.split(separator: "\n").first.flatMap({ pid_t($0) }) else { throw NotStarted() }
        return id
    }

    /// Tests run from the package's folder.
    private static let script = FileManager.default.currentDirectoryPath + "/Tests/Scripts/postgres.sh"

    package struct NotStarted: Error, CustomStringConvertible {
        package var description: String {
            "the private PostgreSQL did not start; see what Tests/Scripts/postgres.sh says"
        }
    }
}
