#if Postgres
import AfterCommit
@testable import AfterCommitPostgres
import Foundation
import Testing

@Suite struct PostgresValueTests {
    /// Sends each value and reads it back.
    private func roundTrip<Value: Equatable & Sendable>(
        _ values: [(PostgresValue, Value)], cast: String, _ read: @escaping @Sendable (PostgresRow) throws -> Value
    ) async throws {
        try await TestDatabase().run { session in
            for (sent, expected) in values {
                let row = try session.execute("SELECT $1::\(cast)", [sent]).first()
                #expect(try read(row) == expected)
            }
        }
    }

    @Test func integers() async throws {
        try await roundTrip([Int16.min, -1, 0, .max].map { (.int16($0), Int64($0)) }, cast: "smallint") {
            try $0.int64(0)
        }
        try await roundTrip([Int32.min, -1, 0, .max].map { (.int32($0), $0) }, cast: "integer") { try $0.int32(0) }
        try await roundTrip([Int64.min, -1, 0, .max].map { (.int64($0), $0) }, cast: "bigint") { try $0.int64(0) }
        try await roundTrip([true, false].map { (.bool($0), $0) }, cast: "boolean") { try $0.bool(0) }
        try await roundTrip([[], [Int64.min, 0, .max]].map { (.int64s($0), $0) }, cast: "bigint[]") {
            try $0.int64s(0)
        }
    }

    @Test func doubles() async throws {
        let values = [0, -0.0, 1.5, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, -.infinity]
        try await roundTrip(values.map { (.double($0), $0) }, cast: "double precision") { try $0.double(0) }
        try await roundTrip([(.double(.nan), true)], cast: "double precision") { try $0.double(0).isNaN }
    }

    @Test func textsAndBytes() async throws {
        let texts = [
            "", "a", "O'Brien \\ \"x\" $1", "日本語 🦉", String(repeating: "x", count: 100_000), "NULL", "{}", "\n\t",
        ]
        try await roundTrip(texts.map { (.text($0), $0) }, cast: "text") { try $0.text(0) }
        let bytes = [Data(), Data([0]), Data(0...255), Data(repeating: 0xFF, count: 1_000_000)]
        try await roundTrip(bytes.map { (.bytes($0), $0) }, cast: "bytea") { try $0.bytes(0) }
        let json = #"{"a": [1, null, "ü"]}"#
        try await roundTrip([(.json(json), json)], cast: "jsonb") { try $0.text(0) }
    }

    @Test func identifiersDatesAndNumbers() async throws {
        let ids = (0..<20).map { _ in UUID() }
        try await roundTrip(ids.map { (.uuid($0), $0) }, cast: "uuid") { try $0.uuid(0) }
        // What a date counts in cannot hold more than microseconds far from 2001.
        let dates = [0, 1, -1, 0.000001, -978_307_200, 800_000_000.123456, -62_135_596_800, 64_092_211_200]
            .map(Date.init(timeIntervalSinceReferenceDate:))
        try await roundTrip(dates.map { (.timestamp($0), $0) }, cast: "timestamptz") { try $0.timestamp(0) }
        let numbers = [
            "0", "1", "-1", "0.1", "-0.00000001", "12345678901234567890123456789012345678", "99999.9999", "10000",
            "100000000", "0.0001", "1e100", "-123456.789e-20",
        ].compactMap { Decimal(string: $0) }
        #expect(numbers.count == 12)
        try await roundTrip(numbers.map { (.decimal($0), $0) }, cast: "numeric") { try $0.decimal(0) }
    }

    @Test func datesAtTheEdges() async throws {
        let infinite = [Double.infinity, -.infinity].map(Date.init(timeIntervalSinceReferenceDate:))
        try await roundTrip(infinite.map { (.timestamp($0), $0) }, cast: "timestamptz") { try $0.timestamp(0) }
        try await TestDatabase().run { session in
            try session.executeScript("SET TIME ZONE 'UTC'")
            for (date, text) in [(infinite[0], "infinity"), (infinite[1], "-infinity")] {
                #expect(try session.execute("SELECT $1::timestamptz::text", [.timestamp(date)]).first().text(0) == text)
            }
            // The first and the last day that the server knows.
            let edges = try session.execute(
                "SELECT timestamptz '4713-11-24 BC', timestamptz '294276-12-31 00:00'"
            ).first()
            for (column, text) in [(0, "4713-11-24 00:00:00+00 BC"), (1, "294276-12-31 00:00:00+00")] {
                let date = try edges.timestamp(column)
                #expect(try session.execute("SELECT $1::timestamptz::text", [.timestamp(date)]).first().text(0) == text)
            }
            for seconds in [-3e11, 1e13, 1e300, .nan] {
                let date = Date(timeIntervalSince1970: seconds)
                let error = try postgresError { try session.execute("SELECT $1", [.timestamp(date)]) }
                #expect(error.sqlState == "22008")
                #expect(error.parameter == 1)
            }
            #expect(try session.execute("SELECT $1", [.timestamp(nil)]).first().optionalTimestamp(0) == nil)
        }
    }

    @Test func theServerUnderstandsTheSame() async throws {
        let id = UUID()
        let date = Date(timeIntervalSince1970: 1_787_393_730.123456)
        let texts: [(PostgresValue, cast: String, text: String)] = [
            (.timestamp(date), "timestamptz", "2026-08-22 10:15:30.123456+00"), (.bool(true), "bool", "true"),
            (.int64(-7), "bigint", "-7"), (.double(1.5), "float8", "1.5"),
            (.bytes(Data([0, 255])), "bytea", "\\x00ff"), (.uuid(id), "uuid", id.uuidString.lowercased()),
            (.decimal(Decimal(sign: .minus, exponent: -1, significand: 15)), "numeric", "-1.5"),
            (.json("[1]"), "jsonb", "[1]"), (.int64s([1, 2]), "bigint[]", "{1,2}"),
            (.texts(["a,b", nil, ""]), "text[]", #"{"a,b",NULL,""}"#), (.texts([String]()), "text[]", "{}"),
            (.bytesArray([Data([1]), nil]), "bytea[]", #"{"\\x01",NULL}"#),
            (.uuids([id]), "uuid[]", "{\(id.uuidString.lowercased())}"),
        ]
        try await TestDatabase().run { session in
            for (value, cast, text) in texts {
                let row = try session.execute("SELECT $1::\(cast)::text", [value]).first()
                #expect(try row.text(0) == text)
            }
            let row = try session.execute(
                "SELECT timestamptz '2026-08-22 10:15:30.123456+00', timestamp '2026-08-22', 12.5, 1.5::real"
            ).first()
            #expect(try row.timestamp(0) == date)
            #expect(try row.timestamp(1) == Date(timeIntervalSince1970: 1_787_356_800))
            #expect(try row.decimal(2) == 12.5)
            #expect(try row.double(3) == 1.5)
        }
    }

    @Test func whatCannotBeReadSaysWhy() async throws {
        try await TestDatabase().run { session in
            let row = try session.execute(
                "SELECT 1 AS one, NULL::int AS nothing, 70000::bigint << 20 AS large, 'NaN'::numeric AS nan"
            ).first()
            func message(_ body: () throws -> Void) -> String {
                let error = #expect(throws: StorageError.self) { try body() }
                #expect(error?.code == .invalidTable)
                return error?.message ?? ""
            }
            #expect(message { _ = try row.text(0) }.contains("column one"))
            #expect(message { _ = try row.int64(1) }.contains("nothing is NULL"))
            #expect(message { _ = try row.column("absent") }.contains("no column absent"))
            #expect(message { _ = try row.int64(4) }.contains("no column 4"))
            #expect(message { _ = try row.int32(2) }.contains("32-bit"))
            #expect(message { _ = try row.decimal(3) }.contains("nan"))
            #expect(try row.optionalInt64(1) == nil)
        }
    }

    @Test func whatCannotBeSentIsRefusedBeforeItIsSent() async throws {
        try await TestDatabase().run { session in
            func refusal(_ parameters: [PostgresValue]) throws -> PostgresError {
                try postgresError { try session.execute("SELECT $1", parameters) }
            }
            try session.execute("BEGIN")
            for (parameters, number): ([PostgresValue], Int) in [
                ([.text("a\0b")], 1), ([.int32(1), .texts(["a\0"])], 2), ([.int32(1), .int32(2), .json("\"a\0\"")], 3),
            ] {
                let error = try refusal(parameters)
                #expect(error.sqlState == "22021")
                #expect(error.parameter == number)
                #expect(error.message.hasPrefix("parameter $\(number) has a NUL"))
                #expect(!error.isConnectionLost)
            }
            #expect(try refusal(Array(repeating: .int32(1), count: 65_536)).message.contains("65535"))
            #expect(try postgresError { try session.execute("SELECT 1\0") }.sqlState == "22021")
            #expect(try postgresError { try session.executeScript("SELECT 1\0") }.sqlState == "22021")
            // Neither the transaction nor the connection has suffered.
            #expect(try session.execute("SELECT 1").first().int32(0) == 1)
            try session.commit([])
        }
    }
}
#endif
