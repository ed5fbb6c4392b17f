#if HTTP
import NIOCore
import NIOPosix

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Finds the addresses of a host.
public protocol HostResolver: Sendable {
    /// - Returns: the addresses of `host`, the one to try first in front.
    /// - Throws: ``HostResolutionError``, or what else describes why there is none.
    func addresses(of host: String) async throws -> [IPAddress]
}

/// A host whose addresses cannot be found.
public struct HostResolutionError: Error, Hashable, CustomStringConvertible {
    public let host: String
    /// What the resolver said.
    public let reason: String

    public init(host: String, reason: String) {
        self.host = host
        self.reason = reason
    }

    public var description: String { "'\(host)': \(reason)" }
}

/// The system's own resolver, `getaddrinfo`, with its order of addresses (RFC 6724).
///
/// It blocks, so it runs on NIO's pool of threads for that.
public struct SystemHostResolver: HostResolver {
    public init() {}

    public func addresses(of host: String) async throws -> [IPAddress] {
        try await NIOThreadPool.singleton.runIfActive { try Self.lookUp(host) }
    }

    private static func lookUp(_ host: String) throws -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &first)
        guard code == 0 else {
            let reason = code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code))
            throw HostResolutionError(host: host, reason: reason)
        }
        defer { freeaddrinfo(first) }
        var addresses: [IPAddress] = []
        var next = first
        while let info = next?.pointee {
            if let address = address(of: info), !addresses.contains(address) { addresses.append(address) }
            next = info.ai_next
        }
        return addresses
    }

    private static func address(of info: addrinfo) -> IPAddress? {
        guard let pointer = info.ai_addr else { return nil }
        let raw = UnsafeRawPointer(pointer)
        switch info.ai_family {
        case AF_INET: return IPAddress(.init(raw.load(as: sockaddr_in.self)))
        case AF_INET6: return IPAddress(.init(raw.load(as: sockaddr_in6.self)))
        default: return nil
        }
    }
}
#endif
