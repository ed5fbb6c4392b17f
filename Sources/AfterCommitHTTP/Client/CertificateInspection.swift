#if HTTP
import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// Looks at the certificates of a receiver whose certificate was not accepted, to say why.
///
/// BoringSSL has one error for all reasons. So a second handshake is begun, the certificates are taken down, and it is
/// broken off: nothing is trusted and nothing is sent.
enum CertificateInspection {
    /// How long it may take in all.
    private static let timeout = TimeAmount.seconds(2)

    static func certificates(at address: SocketAddress, host: String) async throws -> [CertificateSummary] {
        let context = try NIOSSLContext(configuration: .makeClientConfiguration())
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let found = loop.makePromise(of: [CertificateSummary].self)
        let connecting = ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(
                        context: context, serverHostname: IPAddress(host) == nil ? host : nil,
                        customVerificationCallback: { certificates, verdict in
                            found.succeed(certificates.map(CertificateSummary.init))
                            verdict.succeed(.failed)
                        })
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(to: address)
        connecting.whenFailure { found.fail($0) }
        connecting.whenSuccess { channel in
            let end = loop.scheduleTask(in: timeout) { channel.close(promise: nil) }
            found.futureResult.whenComplete { _ in
                end.cancel()
                channel.close(promise: nil)
            }
            channel.closeFuture.whenComplete { _ in found.fail(ChannelError.eof) }
        }
        return try await withTaskCancellationHandler {
            try await found.futureResult.get()
        } onCancel: {
            found.fail(CancellationError())
        }
    }

    /// What is wrong with a chain, its own certificate in front, that was not accepted.
    static func fault(of chain: [CertificateSummary], now: Date) -> HTTPDeliveryError.CertificateFault {
        if chain.contains(where: { $0.notAfter < now }) { return .expired }
        if chain.contains(where: { $0.notBefore > now }) { return .notYetValid }
        return chain.first?.isSelfIssued == true ? .selfSigned : .untrusted
    }
}

extension CertificateSummary {
    init(_ certificate: NIOSSLCertificate) {
        self.init(
            notBefore: Date(timeIntervalSince1970: Double(certificate.notValidBefore)),
            notAfter: Date(timeIntervalSince1970: Double(certificate.notValidAfter)),
            isSelfIssued: (try? certificate.toDERBytes()).map(Self.isSelfIssued) ?? false)
    }
}
#endif
