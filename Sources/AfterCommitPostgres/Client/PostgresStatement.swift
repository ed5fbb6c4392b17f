#if Postgres
import AfterCommit
import Foundation

/// A statement with its parameters.
struct PostgresStatement: Sendable {
    let sql: String
    let parameters: [PostgresValue]

    init(_ sql: String, _ parameters: [PostgresValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }

    /// The protocol counts them in 16 bits.
    private static let maxParameters = 65_535

    /// Refuses what cannot be sent as it is, before anything is: C would end a text at its first NUL.
    /// - Throws: ``PostgresError`` with the number of the parameter.
    func check() throws(PostgresError) {
        try Self.check(script: sql)
        guard parameters.count <= Self.maxParameters else {
            throw PostgresError(
                sqlState: "54000",
                message: "\(parameters.count) parameters; \(Self.maxParameters) are possible, so send arrays")
        }
        for (index, parameter) in parameters.enumerated() {
            guard let refusal = parameter.refusal else { continue }
            var error = PostgresError(
                sqlState: refusal.sqlState, message: "parameter $\(index + 1) \(refusal.reason)")
            error.parameter = index + 1
            throw error
        }
    }

    static func check(script: String) throws(PostgresError) {
        guard !script.hasNUL else {
            throw PostgresError(sqlState: "22021", message: "the statement has a NUL character")
        }
    }

    /// Whether it ends a transaction, so that what precedes it in a pipeline is not undone when what follows fails.
    var endsTransaction: Bool {
        let word = sql.drop(while: \.isWhitespace).prefix { $0.isLetter }.uppercased()
        return ["COMMIT", "END", "ROLLBACK", "ABORT", "PREPARE"].contains(word)
    }
}

extension String {
    /// PostgreSQL keeps none in its texts.
    var hasNUL: Bool {
        utf8.withContiguousStorageIfAvailable { bytes in
            bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
        } ?? utf8.contains(0)
    }
}
#endif
