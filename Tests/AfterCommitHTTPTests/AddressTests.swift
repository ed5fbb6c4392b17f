#if HTTP
import AfterCommit
@testable import AfterCommitHTTP
import Testing

@Suite("Addresses")
struct AddressTests {
    @Test(
        "are told apart by what they are for",
        arguments: [
            ("8.8.8.8", .public), ("1.1.1.1", .public), ("172.15.255.255", .public), ("172.32.0.0", .public),
            ("100.63.255.255", .public), ("100.128.0.0", .public), ("223.255.255.255", .public),
            ("169.253.255.255", .public), ("192.167.255.255", .public), ("198.20.0.0", .public),
            ("127.0.0.1", .loopback), ("127.255.255.255", .loopback),
            ("10.0.0.0", .private), ("10.255.255.255", .private), ("172.16.0.0", .private),
            ("172.31.255.255", .private), ("192.168.0.0", .private), ("192.168.255.255", .private),
            ("169.254.0.0", .linkLocal), ("169.254.169.254", .metadata), ("169.254.170.2", .metadata),
            ("100.100.100.200", .metadata), ("168.63.129.16", .metadata), ("192.0.0.192", .metadata),
            ("100.64.0.0", .carrierGradeNAT), ("100.127.255.255", .carrierGradeNAT),
            ("0.0.0.0", .unspecified), ("0.1.2.3", .unspecified),
            ("224.0.0.0", .multicast), ("239.255.255.255", .multicast),
            ("240.0.0.0", .reserved), ("255.255.255.255", .reserved), ("192.0.2.1", .reserved),
            ("198.51.100.1", .reserved), ("203.0.113.1", .reserved), ("198.18.0.1", .reserved),
            ("198.19.255.255", .reserved), ("192.88.99.1", .reserved), ("192.0.0.1", .reserved),
        ] as [(String, AddressKind)])
    func v4(text: String, kind: AddressKind) throws {
        #expect(try #require(IPAddress(text)).kind == kind)
        // In an IPv6 address it is the same: mapped, translated, NAT64, 6to4.
        let bits = try #require(IPAddress(text)).value
        guard case .v4(let bits) = bits else { throw CancellationError() }
        let low = UInt128(bits)
        for high: UInt128 in [0xFFFF, 0xFFFF_0000, 0x64_FF9B << 64] {
            #expect(IPAddress(.v6(high << 32 | low)).kind == kind)
        }
        #expect(IPAddress(.v6(UInt128(0x2002) << 112 | low << 80)).kind == kind)
        #expect(IPAddress(.v6(UInt128(0x2607_F8B0) << 96 | UInt128(0x5EFE) << 32 | low)).kind == kind)
        // Of the deprecated form none is public.
        if kind != .unspecified, kind != .loopback || bits == 0x7F00_0001 {
            #expect(IPAddress(.v6(low)).kind == (kind == .public ? .reserved : kind))
        }
    }

    @Test(
        "of IPv6 too",
        arguments: [
            ("2606:4700:4700::1111", .public), ("2a00:1450:4001::200e", .public), ("2001:200::1", .public),
            ("::", .unspecified), ("::1", .loopback), ("fe80::1", .linkLocal), ("febf::1", .linkLocal),
            ("fc00::1", .private), ("fdff::1", .private), ("fec0::1", .private), ("64:ff9b:1::a00:1", .private),
            ("fd00:ec2::254", .metadata), ("fd20:ce::254", .metadata), ("ff02::1", .multicast), ("ff0e::1", .multicast),
            ("2001:db8::1", .reserved), ("2001::1", .reserved), ("2001:1::1", .reserved), ("3fff::1", .reserved),
            ("100::1", .reserved), ("4000::1", .reserved), ("5f00::1", .reserved), ("::2", .unspecified),
        ] as [(String, AddressKind)])
    func v6(text: String, kind: AddressKind) throws {
        #expect(try #require(IPAddress(text)).kind == kind)
    }

    @Test(
        "are read and written as text", arguments: ["8.8.8.8", "::1", "2606:4700:4700::1111", "::ffff:127.0.0.1"])
    func text(text: String) {
        #expect(IPAddress(text)?.description == text)
    }

    @Test(
        "are nothing else",
        arguments: ["", "localhost", "127.1", "0177.0.0.1", "1.2.3.256", "[::1]", "fe80::1%eth0", "1.2.3.4 ", "/tmp/x"])
    func noAddress(text: String) {
        #expect(IPAddress(text) == nil)
    }
}
#endif
