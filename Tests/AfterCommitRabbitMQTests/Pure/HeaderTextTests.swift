#if RabbitMQ
import AfterCommit
@testable import AfterCommitRabbitMQ
import CRabbitMQ
import Foundation
import Testing

@Suite("Headers as texts")
struct HeaderTextTests {
    private func text(
        _ kind: amqp_field_value_kind_t, _ set: (inout amqp_field_value_t) -> Void = { _ in }
    ) -> String? {
        var field = amqp_field_value_t()
        field.kind = UInt8(kind.rawValue)
        set(&field)
        return HeaderText.text(of: field)
    }

    private func text(_ kind: amqp_field_value_kind_t, bytes: [UInt8]) -> String? {
        var bytes = bytes
        return bytes.withUnsafeMutableBytes { buffer in
            text(kind) { $0.value.bytes = amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress) }
        }
    }

    @Test("numbers and truths")
    func scalars() {
        #expect(text(AMQP_FIELD_KIND_BOOLEAN) { $0.value.boolean = 1 } == "true")
        #expect(text(AMQP_FIELD_KIND_BOOLEAN) { $0.value.boolean = 0 } == "false")
        #expect(text(AMQP_FIELD_KIND_I8) { $0.value.i8 = -5 } == "-5")
        #expect(text(AMQP_FIELD_KIND_U8) { $0.value.u8 = 250 } == "250")
        #expect(text(AMQP_FIELD_KIND_I16) { $0.value.i16 = -300 } == "-300")
        #expect(text(AMQP_FIELD_KIND_U16) { $0.value.u16 = 65_000 } == "65000")
        #expect(text(AMQP_FIELD_KIND_I32) { $0.value.i32 = -70_000 } == "-70000")
        #expect(text(AMQP_FIELD_KIND_U32) { $0.value.u32 = 4_000_000_000 } == "4000000000")
        #expect(text(AMQP_FIELD_KIND_I64) { $0.value.i64 = .min } == "-9223372036854775808")
        #expect(text(AMQP_FIELD_KIND_U64) { $0.value.u64 = .max } == "18446744073709551615")
    }

    @Test("timestamps are dates")
    func timestamps() {
        #expect(text(AMQP_FIELD_KIND_TIMESTAMP) { $0.value.u64 = 1_787_393_730 } == "2026-08-22T10:15:30.000Z")
        #expect(text(AMQP_FIELD_KIND_TIMESTAMP) { $0.value.u64 = .max } == nil)
    }

    @Test("texts, and bytes that are texts")
    func texts() {
        for kind in [AMQP_FIELD_KIND_UTF8, AMQP_FIELD_KIND_BYTES] {
            #expect(text(kind, bytes: Array("grün".utf8)) == "grün")
            #expect(text(kind, bytes: [0xFF, 0xFE]) == nil)
            #expect(text(kind) == "")
        }
    }

    @Test(
        "what no attribute can be is left out",
        arguments: [
            AMQP_FIELD_KIND_F32, AMQP_FIELD_KIND_F64, AMQP_FIELD_KIND_DECIMAL, AMQP_FIELD_KIND_ARRAY,
            AMQP_FIELD_KIND_TABLE, AMQP_FIELD_KIND_VOID,
        ])
    func others(kind: amqp_field_value_kind_t) {
        #expect(text(kind) == nil)
    }

    @Test("a message is whole when its last byte has come")
    func assembly() throws {
        var content = ContentAssembly(amqp_basic_deliver_t(), maxBodyBytes: 10)
        #expect(content.event == nil)
        try content.takeHeader(amqp_basic_properties_t(), bodySize: 6)
        var bytes: [UInt8] = [1, 2, 3]
        try bytes.withUnsafeMutableBytes { buffer in
            let fragment = amqp_bytes_t(len: 3, bytes: buffer.baseAddress)
            try content.takeBody(fragment)
            #expect(content.event == nil)
            try content.takeBody(fragment)
            #expect(throws: ContentAssembly.Unexpected.self) { try content.takeBody(fragment) }
        }
        guard case .delivered(let message) = content.event else {
            Issue.record("nothing came out")
            return
        }
        #expect(message.body == Data([1, 2, 3, 1, 2, 3]))
        #expect(throws: ContentAssembly.Unexpected.self) {
            try content.takeHeader(amqp_basic_properties_t(), bodySize: 6)
        }
    }

    @Test("a message without a body is whole with its header, one that is too large has no body")
    func sizes() throws {
        var empty = ContentAssembly(amqp_basic_deliver_t(), maxBodyBytes: 10)
        try empty.takeHeader(amqp_basic_properties_t(), bodySize: 0)
        guard case .delivered(let message) = empty.event else {
            Issue.record("nothing came out")
            return
        }
        #expect(message.body == Data())
        var large = ContentAssembly(amqp_basic_deliver_t(), maxBodyBytes: 2)
        try large.takeHeader(amqp_basic_properties_t(), bodySize: 3)
        var bytes: [UInt8] = [1, 2, 3]
        try bytes.withUnsafeMutableBytes {
            try large.takeBody(amqp_bytes_t(len: 3, bytes: $0.baseAddress))
        }
        guard case .delivered(let refused) = large.event else {
            Issue.record("nothing came out")
            return
        }
        #expect(refused.body == nil && refused.size == 3)
        #expect(IncomingMessage(refused, generation: 1) == nil)
    }

    @Test("what a quorum queue counts, else whether it was given out before")
    func redeliveries() {
        func count(_ headers: [String: String], _ isRedelivered: Bool) -> Int? {
            let message = DeliveredMessage(
                tag: 1, isRedelivered: isRedelivered, contentType: nil, headers: headers, body: Data(), size: 0)
            return IncomingMessage(message, generation: 1)?.redeliveries
        }
        #expect(count([:], false) == 0)
        #expect(count([:], true) == 1)
        #expect(count(["x-delivery-count": "3"], true) == 3)
    }

    @Test("both prefixes name attributes")
    func prefixes() throws {
        let headers = ["cloudEvents_id": "1", "cloudEvents:type": "t", "other": "x"]
        let message = DeliveredMessage(
            tag: 1, isRedelivered: false, contentType: nil, headers: headers, body: Data(), size: 0)
        #expect(IncomingMessage(message, generation: 1)?.attributes == ["id": "1", "type": "t"])
    }
}
#endif
