#if HTTP
import AfterCommit
@testable import AfterCommitHTTP
import NIOSSL
import Testing

@Suite("Certificates")
struct CertificateSummaryTests {
    @Test("name their issuer")
    func selfIssued() throws {
        let authority = try TestCertificate("authority.test")
        #expect(CertificateSummary.isSelfIssued(try authority.nioCertificate().toDERBytes()))
        let other = try TestCertificate("receiver.test", issuer: authority)
        #expect(!CertificateSummary.isSelfIssued(try other.nioCertificate().toDERBytes()))
    }

    @Test("that are damaged are read without a trap")
    func fuzz() throws {
        var random = Xoshiro256(seed: 20_260_825)
        let bytes = try TestCertificate("authority.test").nioCertificate().toDERBytes()
        for _ in 0..<20_000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            damaged.removeLast(Int.random(in: 0...damaged.count, using: &random))
            _ = CertificateSummary.isSelfIssued(damaged)
        }
        #expect(!CertificateSummary.isSelfIssued([]))
        #expect(!CertificateSummary.isSelfIssued([0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]))
    }
}
#endif
