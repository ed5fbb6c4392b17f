#if HTTP
import Foundation

/// What of a certificate tells why nobody trusts it.
struct CertificateSummary: Sendable, Equatable {
    var notBefore: Date
    var notAfter: Date
    /// Whether it names itself as its issuer.
    var isSelfIssued: Bool

    /// Whether a certificate in DER (RFC 5280, section 4.1) has one name as its issuer and its subject.
    static func isSelfIssued(_ der: [UInt8]) -> Bool {
        var certificate = DERReader(der[...])
        guard var outer = certificate.next().map({ DERReader($0.content) }),
            var fields = outer.next().map({ DERReader($0.content) }), let first = fields.next()
        else { return false }
        // The version is optional and tagged [0]; the serial number follows it, then the algorithm.
        if first.tag == 0xA0 { _ = fields.next() }
        _ = fields.next()
        guard let issuer = fields.next(), fields.next() != nil, let subject = fields.next() else { return false }
        return !issuer.content.isEmpty && issuer.content == subject.content
    }
}

/// Reads the elements of DER (X.690) one after another.
struct DERReader {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// The next element, or `nil` where there is none that is complete.
    mutating func next() -> (tag: UInt8, content: ArraySlice<UInt8>)? {
        guard let tag = bytes.popFirst(), let first = bytes.popFirst() else { return nil }
        var length = Int(first)
        if first >= 0x80 {
            // Four bytes of length are 4 GB: no certificate has more.
            let count = Int(first & 0x7F)
            guard (1...4).contains(count), bytes.count >= count else { return nil }
            length = bytes.prefix(count).reduce(0) { $0 << 8 | Int($1) }
            bytes = bytes.dropFirst(count)
        }
        guard bytes.count >= length else { return nil }
        defer { bytes = bytes.dropFirst(length) }
        return (tag, bytes.prefix(length))
    }
}
#endif
