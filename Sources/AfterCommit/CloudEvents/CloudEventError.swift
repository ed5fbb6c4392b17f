/// Bytes that are no CloudEvent, or none that can be taken.
public struct CloudEventError: Error, Hashable, CustomStringConvertible {
    /// What is wrong. More codes may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String

        /// Nothing says that the message is a CloudEvent: neither attributes nor a structured content type.
        public static let notAnEvent = Code(description: "notAnEvent")
        /// Another version of CloudEvents than 1.0.
        public static let specVersion = Code(description: "specVersion")
        /// A required attribute is missing or empty.
        public static let missingAttribute = Code(description: "missingAttribute")
        /// An attribute's name has characters other than lower-case letters and digits.
        public static let attributeName = Code(description: "attributeName")
        /// An attribute's value is of no type that attributes have, or is not what its name promises.
        public static let attributeValue = Code(description: "attributeValue")
        /// A structured event that is no JSON object, or has its data twice.
        public static let structure = Code(description: "structure")
        /// Several events in one message.
        public static let batch = Code(description: "batch")
        /// A key for ordering that is longer than the engine's limit.
        public static let orderingKeyTooLong = Code(description: "orderingKeyTooLong")
    }

    public let code: Code
    /// What it is about, shortened: a name or a version.
    public let subject: String

    public init(_ code: Code, _ subject: String = "") {
        self.code = code
        self.subject = String(subject.prefix(100))
    }

    public var description: String {
        switch code {
        case .notAnEvent:
            "the message is no CloudEvent: it has neither the attribute specversion nor the content type \(CloudEvent.structuredContentType)"
        case .specVersion: "specversion is \(subject.debugDescription); only CloudEvents 1.0 are taken"
        case .missingAttribute: "the required attribute \(subject) is missing or empty"
        case .attributeName: "the attribute name \(subject.debugDescription) has characters other than a-z and 0-9"
        case .attributeValue: "the value of the attribute \(subject) is none that it can have"
        case .structure: "the structured event is not one: \(subject)"
        case .batch: "the message is a batch of events; send each in a message of its own"
        case .orderingKeyTooLong:
            "the partitionkey is longer than \(EnvelopeFactory.maxOrderingKeyBytes) bytes: use an identifier or a hash of it"
        default: "\(code): \(subject)"
        }
    }
}

extension CloudEventError: DeliveryFailureDescribing {
    /// `cloudevents.` and the code, so that dead letters group by it.
    public var failureType: String { "cloudevents.\(code)" }
    public var failureStatus: Int? { nil }
}
