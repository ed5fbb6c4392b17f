#if HTTP
/// What an address is for, by IANA's registries of special-purpose addresses (RFC 6890).
public enum AddressKind: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// Anybody's on the internet.
    case `public`
    /// This machine: `127.0.0.0/8`, `::1`.
    case loopback
    /// A private network: `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7`, `fec0::/10`, `64:ff9b:1::/48`.
    case `private`
    /// This link: `169.254.0.0/16`, `fe80::/10`.
    case linkLocal = "link-local"
    /// A cloud's service that tells a machine its secrets: `169.254.169.254`, `fd00:ec2::254` and their like.
    case metadata
    /// Behind a provider's address translation: `100.64.0.0/10`.
    case carrierGradeNAT = "carrier-grade NAT"
    /// No address yet, which most systems take for this machine: `0.0.0.0/8`, `::`.
    case unspecified
    /// Many at once: `224.0.0.0/4`, `ff00::/8`.
    case multicast
    /// Kept for documentation, benchmarks, protocols or the future.
    case reserved

    public var description: String { rawValue }
}

extension IPAddress {
    /// What the address is for. An IPv6 address that carries an IPv4 address (mapped, translated, NAT64, 6to4, ISATAP)
    /// is what that one is.
    public var kind: AddressKind {
        switch value {
        case .v4(let bits): Self.kind(ofV4: bits)
        case .v6(let bits): Self.kind(ofV6: bits)
        }
    }

    private static func kind(ofV4 bits: UInt32) -> AddressKind {
        if metadataV4.contains(bits) { return .metadata }
        return blocksV4.first { bits & $0.mask == $0.prefix }?.kind ?? .public
    }

    private static func kind(ofV6 bits: UInt128) -> AddressKind {
        if metadataV6.contains(bits) { return .metadata }
        if bits == 0 { return .unspecified }
        if bits == 1 { return .loopback }
        let high = bits >> 32
        // ::a.b.c.d, long deprecated: never a receiver's, whatever it carries.
        if high == 0 { return embedded(bits, otherwise: .reserved) }
        // Mapped, translated (RFC 2765) and NAT64 (RFC 6052).
        if [0xFFFF, 0xFFFF_0000, 0x64_FF9B << 64].contains(high) {
            return kind(ofV4: UInt32(truncatingIfNeeded: bits))
        }
        if bits >> 112 == 0x2002 { return embedded(bits >> 80, otherwise: .public) }
        if let block = blocksV6.first(where: { bits >> $0.shift == $0.prefix }) { return block.kind }
        // Global unicast is all that IANA has given out (RFC 4291).
        guard bits >> 125 == 1 else { return .reserved }
        // ISATAP (RFC 5214), whose routers hand the packet on to the IPv4 address.
        let isISATAP = [0x5EFE, 0x200_5EFE].contains(UInt32(truncatingIfNeeded: high))
        return isISATAP ? embedded(bits, otherwise: .public) : .public
    }

    /// What the lowest 32 bits are as an IPv4 address, or `other` where that is a public one.
    private static func embedded(_ bits: UInt128, otherwise other: AddressKind) -> AddressKind {
        let kind = kind(ofV4: UInt32(truncatingIfNeeded: bits))
        return kind == .public ? other : kind
    }

    private struct BlockV4 {
        let prefix: UInt32
        let mask: UInt32
        let kind: AddressKind

        init(_ a: UInt32, _ b: UInt32 = 0, _ c: UInt32 = 0, bits: UInt32, _ kind: AddressKind) {
            prefix = a << 24 | b << 16 | c << 8
            mask = UInt32.max << (32 - bits)
            self.kind = kind
        }
    }

    private static let blocksV4: [BlockV4] = [
        BlockV4(0, bits: 8, .unspecified), BlockV4(10, bits: 8, .private),
        BlockV4(100, 64, bits: 10, .carrierGradeNAT), BlockV4(127, bits: 8, .loopback),
        BlockV4(169, 254, bits: 16, .linkLocal), BlockV4(172, 16, bits: 12, .private),
        BlockV4(192, 0, 0, bits: 24, .reserved), BlockV4(192, 0, 2, bits: 24, .reserved),
        BlockV4(192, 88, 99, bits: 24, .reserved), BlockV4(192, 168, bits: 16, .private),
        BlockV4(198, 18, bits: 15, .reserved), BlockV4(198, 51, 100, bits: 24, .reserved),
        BlockV4(203, 0, 113, bits: 24, .reserved), BlockV4(224, bits: 4, .multicast),
        BlockV4(240, bits: 4, .reserved),
    ]

    private struct BlockV6 {
        let prefix: UInt128
        let shift: Int
        let kind: AddressKind

        /// - Parameter groups: the prefix's first 16-bit groups.
        init(_ groups: UInt128..., bits: Int, _ kind: AddressKind) {
            prefix = groups.reduce(0) { $0 << 16 | $1 } >> (groups.count * 16 - bits)
            shift = 128 - bits
            self.kind = kind
        }
    }

    private static let blocksV6: [BlockV6] = [
        BlockV6(0x64, 0xFF9B, 1, bits: 48, .private), BlockV6(0x2001, 0, bits: 23, .reserved),
        BlockV6(0x2001, 0xDB8, bits: 32, .reserved), BlockV6(0x3FFF, 0, bits: 20, .reserved),
        BlockV6(0xFC00, bits: 7, .private), BlockV6(0xFE80, bits: 10, .linkLocal),
        BlockV6(0xFEC0, bits: 10, .private), BlockV6(0xFF00, bits: 8, .multicast),
    ]

    /// Amazon's (instances, tasks, pods), Google's, Azure's, Alibaba's, Oracle's and Scaleway's.
    private static let metadataV4: Set<UInt32> = [
        0xA9FE_A9FE, 0xA9FE_AA02, 0xA9FE_AA17, 0xA83F_8110, 0x6464_64C8, 0xC000_00C0, 0xA9FE_2A2A,
    ]
    private static let metadataV6: Set<UInt128> = [
        0xFD00_0EC2_0000_0000_0000_0000_0000_0254, 0xFD00_0EC2_0000_0000_0000_0000_0000_0023,
        0xFD20_00CE_0000_0000_0000_0000_0000_0254, 0xFD00_0042_0000_0000_0000_0000_0000_0042,
    ]
}
#endif
