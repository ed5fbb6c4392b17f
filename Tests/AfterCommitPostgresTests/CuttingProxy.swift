#if Postgres
import AfterCommit
import Foundation
import Synchronization
#if canImport(Glibc)
import Glibc
#endif

/// Stands between a client and the server, and can cut a connection around a message: before the server has it, or after
/// the server has answered and before the client knows.
final class CuttingProxy: Sendable {
    private struct Cut {
        var messages = 0
        /// What the message says that is meant; `nil` for any.
        var text: String?
        var isDelivered: Bool
        var isAwaited = true
    }

    let url: String
    private let listener: Int32
    private let target: UInt16
    private let next = Mutex<Cut?>(nil)
    private let refuses = Mutex(false)

    init(to url: String) throws {
        guard let components = URLComponents(string: url), let port = components.port else {
            throw StorageError(.unsuitablePath, "no port in \(url)")
        }
        target = UInt16(port)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        var proxied = components
        proxied.port = Int(UInt16(bigEndian: address.sin_port))
        self.url = proxied.string ?? url
        guard bound else { throw StorageError(SystemError("listen"), "the proxy has no port") }
        Thread { self.accept() }.start()
    }

    /// Cuts the connection at one of the next messages of a client.
    /// - Parameters:
    ///   - messages: how many pass before it.
    ///   - isDelivered: whether the server gets it, and does what it says.
    func cut(after messages: Int, delivering isDelivered: Bool) {
        next.withLock { $0 = Cut(messages: messages, isDelivered: isDelivered) }
    }

    /// Cuts the connection at the next message of a client in which `text` stands.
    /// - Parameters:
    ///   - isDelivered: whether the server gets it, and does what it says.
    ///   - isAwaited: whether that is waited for.
    func cut(at text: String, delivering isDelivered: Bool, awaiting isAwaited: Bool = true) {
        next.withLock { $0 = Cut(text: text, isDelivered: isDelivered, isAwaited: isAwaited) }
    }

    /// Whether new connections are closed at once.
    func refuse(_ refuses: Bool) {
        self.refuses.withLock { $0 = refuses }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { return }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.address(port: target)
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard connected, !refuses.withLock({ $0 }) else {
                close(client)
                close(server)
                continue
            }
            Thread { self.pass(client, server) }.start()
        }
    }

    /// One thread for both ways, so that nothing passes behind a cut.
    private func pass(_ client: Int32, _ server: Int32) {
        defer {
            close(client)
            close(server)
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var ends = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&ends, 2, -1) > 0 else { return }
            if ends[1].revents != 0, !move(server, client, &buffer) { return }
            guard ends[0].revents != 0 else { continue }
            let cut = next.withLock { next -> Cut? in
                guard let cut = next else { return nil }
                if let text = cut.text {
                    guard Self.says(text, client, &buffer) else { return nil }
                    next = nil
                    return cut
                }
                next = cut.messages == 0 ? nil : Cut(messages: cut.messages - 1, isDelivered: cut.isDelivered)
                return cut
            }
            guard let cut, cut.messages == 0 else {
                if !move(client, server, &buffer) { return }
                continue
            }
            if cut.isDelivered {
                // Its answer shows that it was done.
                _ = move(client, server, &buffer)
                if cut.isAwaited { _ = read(server, &buffer, buffer.count) }
            }
            return
        }
    }

    /// Whether `text` stands in what a client has sent and nobody has read.
    private static func says(_ text: String, _ client: Int32, _ buffer: inout [UInt8]) -> Bool {
        let count = recv(client, &buffer, buffer.count, Int32(MSG_PEEK))
        return count > 0 && Data(buffer[..<count]).range(of: Data(text.utf8)) != nil
    }

    private func move(_ source: Int32, _ destination: Int32, _ buffer: inout [UInt8]) -> Bool {
        let count = read(source, &buffer, buffer.count)
        guard count > 0 else { return false }
        var sent = 0
        while sent < count {
            let part = buffer[sent..<count].withUnsafeBytes {
                send(destination, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard part > 0 else { return false }
            sent += part
        }
        return true
    }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
#endif
