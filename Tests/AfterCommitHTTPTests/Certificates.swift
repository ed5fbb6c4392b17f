#if HTTP
import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// Certificates as a test wants them.
struct TestCertificate {
    let certificate: Certificate
    private let key: Certificate.PrivateKey

    /// - Parameters:
    ///   - name: a DNS name.
    ///   - issuer: who signs it; nobody but itself by default.
    ///   - days: when it is valid, in days from now.
    init(_ name: String, issuer: TestCertificate? = nil, days: ClosedRange<Double> = -10...10) throws {
        key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject = try DistinguishedName { CommonName(name) }
        certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSinceNow: days.lowerBound * 86_400),
            notValidAfter: Date(timeIntervalSinceNow: days.upperBound * 86_400),
            issuer: issuer?.certificate.subject ?? subject, subject: subject,
            extensions: try Certificate.Extensions {
                BasicConstraints.isCertificateAuthority(maxPathLength: nil)
                SubjectAlternativeNames([.dnsName(name)])
            },
            issuerPrivateKey: issuer?.key ?? key)
    }

    func nioCertificate() throws -> NIOSSLCertificate {
        try NIOSSLCertificate(bytes: Array(certificate.serializeAsPEM().pemString.utf8), format: .pem)
    }

    /// A server that shows this certificate.
    func serverContext() throws -> NIOSSLContext {
        let key = try NIOSSLPrivateKey(bytes: Array(key.serializeAsPEM().pemString.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(nioCertificate())], privateKey: .privateKey(key)))
    }
}
#endif
