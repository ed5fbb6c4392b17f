#if Postgres
import AfterCommit
import CLibPQ
import Foundation

extension PostgresError {
    /// What a failed result says.
    init(result: OpaquePointer) {
        switch PQresultStatus(result) {
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            // The protocol would wait for data that never comes: the connection is given up.
            self.init(sqlState: "0A000", message: "COPY is not possible on this connection; use psql, or INSERT")
            return
        default: break
        }
        // The codes of the protocol's fields (PostgreSQL, "Error and Notice Message Fields").
        func field(_ code: String) -> String? {
            PQresultErrorField(result, Int32(code.utf8.first ?? 0)).map { String(cString: $0) }
        }
        let told = Self.oneLine(String(cString: PQresultErrorMessage(result)))
        self.init(
            sqlState: field("C"), message: field("M") ?? told, detail: field("D"),
            hint: field("H"), constraint: field("n"))
        // V is S in no language but English.
        isFatal = ["FATAL", "PANIC"].contains(field("V") ?? field("S") ?? "")
        // 0A000 is said of all that is not supported; the function that says it of a plan is this one.
        isStaleStatement = sqlState == "26000" || (sqlState == "0A000" && field("R") == "RevalidateCachedQuery")
    }

    /// Why no connection could be made, from libpq's words in their verbose form: `FATAL:  28P01: password ...`, whose first
    /// word is in the server's language.
    init(refusal: String) {
        var message = Self.oneLine(refusal)
        var state: String?
        if let match = message.firstMatch(of: #/: {2}([0-9A-Z]{5}): /#) {
            state = String(match.1)
            message.replaceSubrange(match.range, with: ": ")
        }
        self.init(sqlState: state, message: message.isEmpty ? "the connection failed" : message)
    }

    /// libpq's words on one line, without the place in the server's source.
    static func oneLine(_ text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        return lines.filter { !$0.isEmpty && !$0.hasPrefix("LOCATION:") }.joined(separator: " ")
    }
}
#endif
