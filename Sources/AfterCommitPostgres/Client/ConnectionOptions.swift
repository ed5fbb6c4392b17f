#if Postgres
import AfterCommit
import CLibPQ
import Foundation
#if canImport(Glibc)
import Glibc
#endif

/// What a connection string says, by libpq's keywords. It shows no password.
struct ConnectionOptions: Sendable {
    /// One of the servers that a string lists.
    struct Host: Hashable, Sendable {
        var name: String?
        var address: String?
        var port: String?

        /// Whether nothing that is sent there leaves this machine: a Unix socket or loopback.
        var isLocal: Bool {
            guard let host = address ?? name, !host.isEmpty else { return true }
            if host.hasPrefix("/") || host.hasPrefix("@") || host == "localhost" { return true }
            // A name may begin with the same digits.
            var v4 = in_addr()
            if inet_pton(AF_INET, host, &v4) == 1 { return UInt32(bigEndian: v4.s_addr) >> 24 == 127 }
            var v6 = in6_addr()
            guard inet_pton(AF_INET6, host, &v6) == 1 else { return false }
            return withUnsafeBytes(of: v6) { $0.elementsEqual([UInt8](repeating: 0, count: 15) + [1]) }
        }
    }

    private static let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
    private let values: [String: String]
    let hosts: [Host]

    /// - Throws: `StorageError` with `unsuitablePath`, which names the keyword that cannot be used.
    init(_ text: String, environment: [String: String] = ProcessInfo.processInfo.environment) throws(StorageError) {
        var message: UnsafeMutablePointer<CChar>?
        guard !text.hasNUL, let parsed = PQconninfoParse(text, &message) else {
            // The message may quote the string, and with it a password.
            PQfreemem(message)
            throw StorageError(
                .unsuitablePath,
                "the connection string cannot be read: write postgresql://user@host:port/database with special characters percent-encoded, or key=value pairs, with libpq's keywords"
            )
        }
        defer { PQconninfoFree(parsed) }
        var values: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        // libpq takes what the string leaves out from these.
        for (keyword, variable) in [
            ("host", "PGHOST"), ("hostaddr", "PGHOSTADDR"), ("port", "PGPORT"), ("sslmode", "PGSSLMODE"),
            ("service", "PGSERVICE"),
        ] where values[keyword] == nil {
            values[keyword] = environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        }
        if let mode = values["sslmode"], !Self.modes.contains(mode) {
            throw StorageError(.unsuitablePath, "sslmode is none of \(Self.modes.joined(separator: ", "))")
        }
        if let timeout = values["connect_timeout"], Int(timeout) == nil {
            throw StorageError(.unsuitablePath, "connect_timeout is no whole number of seconds")
        }
        self.values = values
        hosts = try Self.hosts(of: values)
    }

    subscript(_ keyword: String) -> String? { values[keyword] }

    var keywords: [String: String] { values }

    /// Hosts, addresses and ports are lists of the same length, or one port for all.
    private static func hosts(of values: [String: String]) throws(StorageError) -> [Host] {
        func list(_ keyword: String) -> [String] {
            values[keyword].map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
        }
        let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
        let count = max(names.count, addresses.count, 1)
        guard names.isEmpty || addresses.isEmpty || names.count == addresses.count else {
            throw StorageError(.unsuitablePath, "hostaddr has \(addresses.count) addresses for \(names.count) hosts")
        }
        guard ports.count <= 1 || ports.count == count else {
            throw StorageError(.unsuitablePath, "port has \(ports.count) numbers for \(count) hosts")
        }
        for port in ports where !port.isEmpty {
            guard let number = Int(port), (1...65_535).contains(number) else {
                throw StorageError(.unsuitablePath, "port is not a number between 1 and 65535")
            }
        }
        return (0..<count).map { index in
            Host(
                name: names.isEmpty ? nil : names[index], address: addresses.isEmpty ? nil : addresses[index],
                port: ports.isEmpty ? nil : ports[ports.count == 1 ? 0 : index])
        }
    }
}

extension ConnectionOptions: CustomStringConvertible, CustomReflectable {
    var description: String {
        let places = hosts.map { "\($0.name ?? $0.address ?? "localhost"):\($0.port ?? "5432")" }
        let user = values["user"].map { "\($0)@" } ?? ""
        return "postgresql://\(user)\(places.joined(separator: ","))/\(values["dbname"] ?? "")"
    }

    var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
#endif
