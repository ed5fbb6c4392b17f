#if Postgres
import CLibPQ
import Foundation

extension PostgresConfiguration {
    /// Whether the connection is encrypted, and what is checked of the server (libpq, "SSL Mode Descriptions").
    ///
    /// | | read by others on the way | changed by others on the way |
    /// |---|---|---|
    /// | ``disable`` | possible | possible |
    /// | ``prefer`` | possible: whoever is between says that the server has no TLS | possible |
    /// | ``require`` | only by who plays the server | by who plays the server |
    /// | ``verifyCA(rootCertificates:)`` | only by who has a certificate of the same authorities | as before |
    /// | ``verifyFull(rootCertificates:)`` | no | no |
    public struct TLS: Sendable, Hashable {
        let mode: String
        let rootCertificates: String?

        /// Never.
        public static let disable = Self(mode: "disable", rootCertificates: nil)
        /// If the server can: nothing is checked, so it protects from nobody who is between.
        public static let prefer = Self(mode: "prefer", rootCertificates: nil)
        /// Always. The server's certificate is not checked, unless libpq finds authorities in `~/.postgresql/root.crt`: then one
        /// of them must have signed it.
        public static let require = Self(mode: "require", rootCertificates: nil)
        /// Always, and an authority of the file must have signed the server's certificate.
        ///
        /// - Parameter path: authorities in PEM form. Default `nil`: those of the connection string's `sslrootcert`, of
        ///   `PGSSLROOTCERT` or of `~/.postgresql/root.crt`, whichever is there first, else the system's.
        public static func verifyCA(rootCertificates path: String? = nil) -> Self {
            Self(mode: "verify-ca", rootCertificates: path)
        }
        /// As ``verifyCA(rootCertificates:)``, and the certificate must be of the host that was asked for. The one to use
        /// outside of loopback.
        public static func verifyFull(rootCertificates path: String? = nil) -> Self {
            Self(mode: "verify-full", rootCertificates: path)
        }

        var verifies: Bool { mode == "verify-ca" || mode == "verify-full" }
    }

    /// libpq's keywords for TLS, for one of the hosts; none where libpq's own defaults do.
    func tlsParameters(for host: ConnectionOptions.Host) -> [String: String] {
        // What was said for all environments gives way to what is said for this one.
        guard options["sslmode"] == nil else {
            guard options["sslrootcert"] == nil, let path = tls?.rootCertificates else { return [:] }
            return ["sslrootcert": path]
        }
        guard let tls = tls ?? (host.isLocal ? nil : .require) else { return [:] }
        var parameters = ["sslmode": tls.mode]
        if options["sslrootcert"] == nil, tls.verifies {
            parameters["sslrootcert"] = tls.rootCertificates ?? Self.standardRootCertificates
        }
        return parameters
    }

    /// `nil` where libpq finds some by itself.
    private static var standardRootCertificates: String? {
        guard ProcessInfo.processInfo.environment["PGSSLROOTCERT"] == nil,
            !FileManager.default.fileExists(atPath: NSHomeDirectory() + "/.postgresql/root.crt")
        else { return nil }
        // Systems keep them in different places, and libpq's word for them came with version 16.
        return ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
            .first(where: FileManager.default.isReadableFile(atPath:))
    }
}
#endif
