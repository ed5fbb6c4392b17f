import AfterCommit
import Testing

@Suite struct BatchCompanyTests {
    private func company(_ size: Int, within: Duration) -> BatchCompany {
        BatchCompany(BatchSize(size, within: within))
    }

    @Test func withoutATimeNothingWaits() {
        var company = company(100, within: .zero)
        company.add(1, at: .zero)
        #expect(company.isComplete(ready: 1, now: .zero))
        #expect(!company.isComplete(ready: 0, now: .zero))
    }

    @Test func theFirstWaitsUntilItsTimeOrTheSizeIsReached() {
        var company = company(3, within: .milliseconds(20))
        company.add(1, at: .milliseconds(5))
        company.add(1, at: .milliseconds(15))
        #expect(company.waitsUntil(ready: 2, now: .milliseconds(24)) == .milliseconds(25))
        #expect(company.isComplete(ready: 2, now: .milliseconds(25)))
        company.add(1, at: .milliseconds(16))
        #expect(company.isComplete(ready: 3, now: .milliseconds(16)))
    }

    @Test func whatIsLeftWaitsFromItsOwnArrival() {
        var company = company(3, within: .milliseconds(20))
        company.add(2, at: .zero)
        company.add(2, at: .milliseconds(10))
        company.take(3)
        #expect(company.waitsUntil(ready: 1, now: .milliseconds(10)) == .milliseconds(30))
        company.take(1)
        company.add(1, at: .milliseconds(40))
        #expect(company.waitsUntil(ready: 1, now: .milliseconds(40)) == .milliseconds(60))
    }
}
