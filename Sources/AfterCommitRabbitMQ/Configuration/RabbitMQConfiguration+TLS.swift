#if RabbitMQ
import Foundation

extension RabbitMQConfiguration {
    /// How the connection is encrypted, and what is checked of the broker. Versions before TLS 1.2 are not spoken, and there
    /// is no way back to a connection that is not encrypted.
    public struct TLS: Sendable, Hashable {
        /// A file of authorities in PEM form, one of which must have signed the broker's certificate. Default `nil`: those of
        /// the system.
        public var certificateAuthorities: String?
        /// A file with the client's certificate in PEM form, for brokers that ask for one.
        public var certificate: String?
        /// A file with the key of ``certificate`` in PEM form, without a password.
        public var key: String?
        /// Whether the broker's certificate is checked at all. Default true; without it anybody can play the broker.
        public var verifiesCertificate: Bool
        /// Whether the certificate must be of the host that was asked for. Default true.
        public var verifiesHost: Bool

        public init(
            certificateAuthorities: String? = nil, certificate: String? = nil, key: String? = nil,
            verifiesCertificate: Bool = true, verifiesHost: Bool = true
        ) {
            self.certificateAuthorities = certificateAuthorities
            self.certificate = certificate
            self.key = key
            self.verifiesCertificate = verifiesCertificate
            self.verifiesHost = verifiesHost
        }

        /// Systems keep theirs in different places.
        private static let systemAuthorities = [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
        ]

        /// The file of authorities to use; `nil` where none is needed.
        /// - Throws: where the system has none in the places that are known.
        func authorities() throws(RabbitMQError) -> String? {
            if let certificateAuthorities { return certificateAuthorities }
            guard verifiesCertificate else { return nil }
            if let path = Self.systemAuthorities.first(where: FileManager.default.isReadableFile(atPath:)) {
                return path
            }
            throw RabbitMQError(
                .invalidConfiguration,
                "no file of authorities was found on this system; set tls.certificateAuthorities")
        }

        func validate() throws(RabbitMQError) {
            for path in [certificateAuthorities, certificate, key].compactMap({ $0 })
            where !FileManager.default.isReadableFile(atPath: path) {
                throw RabbitMQError(.invalidConfiguration, "tls names the file \(path), which cannot be read")
            }
            guard (certificate == nil) == (key == nil) else {
                throw RabbitMQError(
                    .invalidConfiguration, "tls.certificate and tls.key belong together; one is missing")
            }
        }
    }
}
#endif
