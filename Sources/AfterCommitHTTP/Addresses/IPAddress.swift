#if HTTP
import NIOCore

/// An IPv4 or IPv6 address, without zone and port.
public struct IPAddress: Hashable, Sendable {
    enum Value: Hashable {
        case v4(UInt32)
        case v6(UInt128)
    }

    let value: Value

    /// Reads `192.0.2.1` or `2001:db8::1`, and nothing else: no name, no zone, no brackets, no short forms of IPv4.
    public init?(_ text: String) {
        // NIO reads a zone and drops it.
        guard !text.utf8.contains(UInt8(ascii: "%")), let address = try? SocketAddress(ipAddress: text, port: 0) else {
            return nil
        }
        self.init(address)
    }

    init(_ value: Value) {
        self.value = value
    }

    /// `nil` for a socket of the file system.
    init?(_ address: SocketAddress) {
        // By the structures' layout, whose fields belong to one of two C modules, depending on what else is loaded:
        // an IPv4 address follows family and port, an IPv6 address those and the flow (POSIX netinet/in.h).
        let value: Value? = address.withSockAddr { pointer, size in
            let bytes = UnsafeRawBufferPointer(start: pointer, count: size)
            return switch address {
            case .v4: .v4(bytes[4..<8].reduce(0) { $0 << 8 | UInt32($1) })
            case .v6: .v6(bytes[8..<24].reduce(0) { $0 << 8 | UInt128($1) })
            case .unixDomainSocket: nil
            }
        }
        guard let value else { return nil }
        self.value = value
    }

    private var packed: ByteBuffer {
        switch value {
        case .v4(let bits): return ByteBuffer(integer: bits)
        case .v6(let bits): return ByteBuffer(integer: bits)
        }
    }

    func socketAddress(port: Int) throws -> SocketAddress {
        try SocketAddress(packedIPAddress: packed, port: port)
    }
}

extension IPAddress: LosslessStringConvertible {
    public var description: String {
        // Four and sixteen bytes always are an address.
        (try? socketAddress(port: 0).ipAddress) ?? "?"
    }
}
#endif
