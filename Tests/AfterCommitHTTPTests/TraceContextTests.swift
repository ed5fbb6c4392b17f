#if HTTP
import AfterCommit
@testable import AfterCommitHTTP
import Foundation
import Instrumentation
import NIOHTTP1
import ServiceContextModule
import Testing

@Suite("Trace context")
struct TraceContextTests {
    private enum SpanKey: ServiceContextKey {
        typealias Value = String
    }

    /// Knows a trace where the context has one, as an application's tracer does.
    private struct TestInstrument: Instrument {
        func extract<Carrier, Extract: Extractor>(
            _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
        ) where Extract.Carrier == Carrier {}

        func inject<Carrier, Inject: Injector>(
            _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
        ) where Inject.Carrier == Carrier {
            guard let span = context[SpanKey.self] else { return }
            injector.inject(span, forKey: "Traceparent", into: &carrier)
        }
    }

    private let emitted = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private let attempted = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"

    private func headers(in context: ServiceContext) throws -> HTTPHeaders {
        let envelope = Fixtures.envelope(headers: ["traceparent": emitted, "tracestate": "a=1"])
        return try ServiceContext.withValue(context) {
            try CloudEventMessage(
                Data(), Fixtures.context(envelope), configuration: .init(),
                trace: TraceContext(instrument: TestInstrument())
            ).headers
        }
    }

    @Test("is the attempt's, and the starting one goes along as an extension")
    func attempt() throws {
        var context = ServiceContext.topLevel
        context[SpanKey.self] = attempted
        let headers = try headers(in: context)
        #expect(headers["traceparent"] == [attempted])
        #expect(headers["tracestate"].isEmpty)
        #expect(headers["ce-traceparent"] == [emitted])
    }

    @Test("is the starting one where the instrument knows none")
    func unknown() throws {
        let headers = try headers(in: .topLevel)
        #expect(headers["traceparent"] == [emitted])
        #expect(headers["tracestate"] == ["a=1"])
    }
}
#endif
