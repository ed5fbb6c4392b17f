import Foundation
import Testing

@testable import AfterCommit

/// What is read without Foundation is read as Foundation reads it.
@Suite struct JSONTapeTextTests {
    private struct Identified: Codable, Equatable {
        var id: UUID
    }

    private struct Named: Codable, Equatable {
        var name: String
    }

    private func compare<T: Decodable & Equatable>(_ type: T.Type, _ bytes: Data) {
        let reference = try? JSONDecoder().decode(type, from: bytes)
        if let value = JSONTape(bytes)?.decode(type) { #expect(value == reference) }
    }

    @Test func readsIdentifiersInEitherCase() throws {
        var random = Xoshiro256(seed: 9)
        for _ in 0..<1_000 {
            let words = (random.next(), random.next())
            let id = withUnsafeBytes(of: words) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
            for text in [id.uuidString, id.uuidString.lowercased()] {
                let tape = try #require(JSONTape(Data("{\"id\":\"\(text)\"}".utf8)))
                #expect(tape.decode(Identified.self) == Identified(id: id))
            }
        }
    }

    /// At each place each kind of wrong character, and texts that are too short or too long.
    @Test func refusesWhatIsNoIdentifier() {
        let valid = Array("01234567-89ab-cdef-0123-456789ABCDEF".utf8)
        for place in valid.indices {
            for byte in "-0gG@/:`x ".utf8 {
                var bytes = valid
                bytes[place] = byte
                compare(Identified.self, Data("{\"id\":\"".utf8) + bytes + Data("\"}".utf8))
            }
        }
        for text in [
            "", "0", String(decoding: valid.dropLast(), as: UTF8.self), String(decoding: valid + [0x30], as: UTF8.self),
        ] {
            compare(Identified.self, Data("{\"id\":\"\(text)\"}".utf8))
        }
    }

    /// Text of any length, ASCII or not, valid or not.
    @Test func readsText() throws {
        for length in 0...40 {
            let plain = String(repeating: "a", count: length)
            for text in [plain, plain + "é", "é" + plain, plain + "日本"] {
                let tape = try #require(JSONTape(Data("{\"name\":\"\(text)\"}".utf8)))
                #expect(tape.decode(Named.self) == Named(name: text))
            }
            for wrong in [[0xFF], [0xC3], [0x80], [0xED, 0xA0, 0x80]] as [[UInt8]] {
                let bytes = Data("{\"name\":\"\(plain)".utf8) + wrong + Data("\"}".utf8)
                #expect(JSONTape(bytes)?.decode(Named.self) == nil)
            }
        }
    }
}
