import AfterCommit
import Foundation
import Testing

private struct Sized: Event {
    static let type: EventType = "sized"
    var text: String
}

private struct Unencodable: Event {
    static let type: EventType = "unencodable"
    var value = Double.infinity
}

private struct Nameless: Event {
    static let type: EventType = ""
}

extension EnvelopeFactory {
    fileprivate func encoded(_ event: some Event, headers: [String: String]) throws -> Envelope {
        try emission(event, options: EmitOptions(headers: headers), form: .bytes).envelope
    }
}

@Suite struct EnvelopeFactoryTests {
    @Test func refusesWhatCannotBeStored() throws {
        let factory = EnvelopeFactory(maxPayloadBytes: 100)
        let size = try factory.coder.encode(Sized(text: String(repeating: "x", count: 200))).count
        #expect(throws: EmitError.payloadTooLarge(bytes: size, limit: 100)) {
            try factory.encoded(Sized(text: String(repeating: "x", count: 200)), headers: [:])
        }
        #expect(throws: EmitError.emptyEventType) {
            try factory.encoded(Nameless(), headers: [:])
        }
        #expect(throws: EmitError.self) { try factory.encoded(Unencodable(), headers: [:]) }
        _ = try factory.encoded(Sized(text: "fits"), headers: ["correlationid": "1"])
    }

    @Test(arguments: ["", "data", "id", "type", "UPPER", "under_score", "twentyonecharacters21", "ü", "a b"])
    func refusesHeaderName(_ name: String) {
        #expect(throws: EmitError.invalidHeader(name: name)) {
            try EnvelopeFactory().encoded(Sized(text: ""), headers: [name: "x"])
        }
    }

    @Test func encodesWithoutChange() throws {
        let factory = EnvelopeFactory()
        let event = Sized(text: "ü\u{0}\"/")
        let envelope = try factory.encoded(event, headers: [:])
        let bytes = try envelope.bytes(using: factory.coder)
        #expect(try factory.coder.decode(Sized.self, from: bytes).text == event.text)
        #expect(envelope.contentType == "application/json")
    }
}
