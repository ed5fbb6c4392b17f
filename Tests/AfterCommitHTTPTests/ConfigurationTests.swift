#if HTTP
import AfterCommitHTTP
import AsyncHTTPClient
import Testing

@Suite("A sink's construction")
struct ConfigurationTests {
    private func code(
        url: String = "https://receiver.example/orders", _ configuration: HTTPEventSinkConfiguration = .loopback()
    ) -> HTTPEventSinkError.Code? {
        do {
            _ = try HTTPEventSink(client: HTTPDeliveryClient(), url: url, configuration: configuration)
            return nil
        } catch {
            return error.code
        }
    }

    @Test(
        "takes URLs that can be delivered to",
        arguments: ["http://localhost", "HTTPS://receiver.example:8443/a%20b?token=1", "http://[::1]:8080/"])
    func goodURL(url: String) {
        #expect(code(url: url) == nil)
    }

    @Test(
        "refuses other URLs",
        arguments: [
            "", "receiver.example/orders", "/orders", "ftp://receiver.example", "http+unix://%2Ftmp%2Fs", "http://",
            "http:///orders", "https://user:secret@receiver.example", "https://receiver.example/#top",
            "http://receiver.example:0", "http://receiver.example:70000", "https://receiver.example/a b",
            "https://receiver.example/\r\nx-evil:1", "https://empfänger.example", "https://a%2Fb.example",
            "https://[::1", "https://[receiver.example]", "https://receiver.example\\@127.0.0.1/", "https://a;b/",
            "https://[fe80::1%25eth0]/",
        ])
    func badURL(url: String) {
        #expect(code(url: url) == .invalidURL)
    }

    @Test(
        "refuses headers that are its own or no headers",
        arguments: [
            "ce-id", "Idempotency-Key", "traceparent", "content-type", "Content-Length", "host", "", "a b", "a:b",
            "ä", "Webhook-Signature",
        ])
    func badHeaderName(name: String) {
        #expect(code(.init(headers: [name: "value"])) == .invalidHeader)
    }

    @Test("refuses header values with line ends")
    func badHeaderValue() {
        #expect(code(.init(headers: ["authorization": "a\r\nx-evil: 1"])) == .invalidHeader)
        #expect(code(.init(headers: ["authorization": "Bearer äöü\t1"])) == nil)
    }

    @Test("refuses numbers that cannot work")
    func badNumbers() {
        #expect(code(.init(timeout: .zero)) == .invalidConfiguration)
        #expect(code(.init(maxResponseBodyBytes: -1)) == .invalidConfiguration)
    }

    @Test("refuses names that cannot work")
    func badNames() {
        for prefix in ["", "com.", ".com", "com..example", "com example", "com.exämple"] {
            #expect(code(.init(eventTypePrefix: prefix)) == .invalidConfiguration)
        }
        #expect(code(.init(eventTypePrefix: "com.example-shop.v2")) == nil)
        #expect(code(.init(source: "")) == .invalidConfiguration)
        #expect(code(.init(addresses: AddressRules(kinds: []))) == .invalidConfiguration)
    }
}
#endif
