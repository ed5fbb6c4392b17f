#if SQLite
import AfterCommit
import Testing

@Suite struct RowClaimsTests {
    @Test func whatIsHandedOutIsNotHandedOutTwice() {
        var claims = RowClaims()
        let first = claims.claimNew(1)
        let again = claims.claimNew(1)
        let exception = claims.claimException(7)
        let exceptionAgain = claims.claimException(7)
        #expect([first, again, exception, exceptionAgain] == [true, false, true, false])
        #expect(claims.claimedNewCount == 1)
        #expect(claims.claimedExceptionCount == 1)
    }

    @Test func releasedNewRowsComeAgainInOrderAndOthersAreFoundByThemselves() {
        var claims = RowClaims()
        for sequence: UInt64 in [1, 2, 3] { _ = claims.claimNew(sequence) }
        _ = claims.claimException(9)
        // Handed out before its turn: it will be found when its turn comes.
        _ = claims.claimNew(20)
        claims.reached(3)
        for sequence: UInt64 in [3, 1, 9, 20, 50] { claims.release(sequence) }
        #expect(claims.released == [1, 3])
        #expect(claims.claimedCount == 1)
        _ = claims.claimNew(1)
        #expect(claims.released == [3])
        claims.settled([3])
        #expect(claims.released == [])
    }

    @Test func whatIsSettledWhileRowsAreReadIsNotHandedOutByWhatTheyShow() {
        var claims = RowClaims()
        _ = claims.claimException(4)
        claims.beginRead()
        claims.settled([4])
        let during = claims.claimException(4)
        claims.endRead()
        let after = claims.claimException(4)
        #expect([during, after] == [false, true])
    }
}
#endif
