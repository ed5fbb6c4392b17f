#if Kafka
import Foundation

/// The headers of a message behind each other in one block.
struct PackedHeaders: Sendable {
    private static let null: UInt32 = .max
    private var bytes: [UInt8] = []
    private(set) var count = 0

    /// - Parameter value: `nil` for Kafka's null.
    mutating func append(_ name: UnsafePointer<CChar>, _ value: UnsafeRawPointer?, count size: Int) {
        // What most messages have.
        if count == 0 { bytes.reserveCapacity(512) }
        let name = UnsafeRawBufferPointer(start: name, count: strlen(name))
        append(UInt32(name.count))
        append(value == nil ? Self.null : UInt32(size))
        bytes += name
        if let value { bytes += UnsafeRawBufferPointer(start: value, count: size) }
        count += 1
    }

    /// Lends each name and value, which must not leave the body.
    func visit(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) -> Void) {
        bytes.withUnsafeBytes { block in
            var rest = block[...]
            func take(_ count: Int) -> UnsafeRawBufferPointer {
                defer { rest = rest.dropFirst(count) }
                return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
            }
            while !rest.isEmpty {
                let nameCount = take(4).loadUnaligned(as: UInt32.self)
                let valueCount = take(4).loadUnaligned(as: UInt32.self)
                let name = take(Int(nameCount))
                body(name, valueCount == Self.null ? nil : take(Int(valueCount)))
            }
        }
    }

    private mutating func append(_ number: UInt32) {
        withUnsafeBytes(of: number) { bytes += $0 }
    }
}

extension PackedHeaders {
    init(_ headers: [KafkaHeader]) {
        for header in headers {
            header.name.withCString { name in
                header.value.withPointer { append(name, $0, count: $1) }
            }
        }
    }

    /// Each by itself, as texts where they are UTF-8.
    var headers: [KafkaHeader] {
        var headers: [KafkaHeader] = []
        headers.reserveCapacity(count)
        visit { name, value in
            headers.append(
                KafkaHeader(
                    String(decoding: name, as: UTF8.self),
                    KafkaBytes(text: value?.baseAddress, count: value?.count ?? 0)))
        }
        return headers
    }
}
#endif
