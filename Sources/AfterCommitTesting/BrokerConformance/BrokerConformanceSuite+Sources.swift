import AfterCommit
import Foundation

/// What a source promises.
extension BrokerConformanceSuite {
    static let sourceCases: [BrokerConformanceCase] = [
        BrokerConformanceCase("what was accepted does not come again, what was not does") { run in
            let sink = try await run.sink()
            let events = (0..<10).map { run.event($0, key: "one") }
            try await run.send(events, sink)
            let first = try await run.source()
            let messages = try await run.receive(10, first)
            try await run.accept(Array(messages[..<6]), first)
            await first.close()
            let second = try await run.source()
            let again = try await run.receive(4, second)
            try requireEqual(try ids(of: again), try ids(of: Array(messages[6...])))
            try await run.accept(again, second)
            try await run.receiveNothing(second)
        },

        BrokerConformanceCase("a receive gives no more than it is asked for") { run in
            try await run.send((0..<30).map { run.event($0) }, try await run.sink())
            let source = try await run.source()
            // The run checks each receive.
            let messages = try await run.receive(30, source, limit: 7)
            try await run.accept(messages, source)
        },

        BrokerConformanceCase("messages are settled in any order, and none is lost or forgotten") { run in
            try await run.send((0..<20).map { run.event($0, key: "one") }, try await run.sink())
            let first = try await run.source()
            let messages = try await run.receive(20, first)
            // All but the third, backwards.
            for message in messages.enumerated().reversed() where message.offset != 2 {
                try await run.accept([message.element], first)
            }
            await first.close()
            let second = try await run.source()
            let id = try messages[2].cloudEvent().id
            // A broker that remembers positions gives out what comes behind again, too.
            let again = try await run.receive(1, second, limit: 1)
            try requireEqual(try again[0].cloudEvent().id, id)
            try await run.accept(again, second)
        },

        BrokerConformanceCase("messages are settled while a receive waits, and others come to it then") { run in
            let sink = try await run.sink()
            try await run.send([run.event(1, key: "one")], sink)
            let source = try await run.source()
            let first = try await run.receive(1, source)
            let receiving = Task { try await source.receive(upTo: 10) }
            try await run.within("settling waits for a receive") { try await run.accept(first, source) }
            let event = run.event(2, key: "one")
            try await run.send([event], sink)
            let second = try await run.within("the receive did not return") { try await receiving.value }
            try requireEqual(try second.map { try $0.cloudEvent().id }, [event.id])
            try await run.accept(second, source)
            try await run.receiveNothing(source)
        },

        BrokerConformanceCase("what was returned comes again") { run in
            try await run.send([run.event(1)], try await run.sink())
            let source = try await run.source()
            let first = try await run.receive(1, source)
            try await run.settle(first, .returned, source)
            let again = try await run.receive(1, source)
            try requireEqual(try again[0].cloudEvent().id, try first[0].cloudEvent().id)
            try await run.accept(again, source)
            try await run.receiveNothing(source)
        },

        BrokerConformanceCase("what was rejected is among the broker's dead letters, with its bytes") { run in
            let body = Array("not an event \u{1F4A5}".utf8)
            try await run.broker.publish(ForeignMessage(body: body, contentType: "text/plain"))
            let source = try await run.source()
            let messages = try await run.receive(1, source)
            try await run.settle(messages, .rejected(reason: "no event"), source)
            try await run.eventually("the rejected message is not among the dead letters") {
                try await run.broker.rejectedBodies().contains(body)
            }
            try await run.receiveNothing(source)
        },

        BrokerConformanceCase("a receive that is cancelled returns, and loses nothing") { run in
            let source = try await run.source()
            let receiving = Task { try await source.receive(upTo: 10) }
            receiving.cancel()
            let early = try await run.within("the cancelled receive did not return") {
                (try? await receiving.value) ?? []
            }
            try require(early.isEmpty, "messages came from nowhere")
            try await run.send([run.event(1)], try await run.sink())
            let messages = try await run.receive(1, source)
            try await run.accept(messages, source)
        },

        BrokerConformanceCase("what is settled after its connection broke comes again at most, and holds up nothing") {
            run in
            let sink = try await run.sink()
            let source = try await run.source()
            try await run.send([run.event(1)], sink)
            let first = try await run.receive(1, source)
            try await run.broker.interrupt()
            // The broker may have to give it out again, and then the receipt says nothing of what is out.
            try? await run.accept(first, source)
            await source.close()
            let last = run.event(2)
            try await run.send([last], sink)
            let second = try await run.source()
            var id = ""
            while id != last.id {
                let messages = try await run.receive(1, second, limit: 1)
                id = try messages[0].cloudEvent().id
                try await run.accept(messages, second)
            }
            try await run.receiveNothing(second)
        },

        BrokerConformanceCase("a stranger's event is read in binary mode") { run in
            try await run.broker.publish(
                ForeignMessage(
                    body: Array("{\"a\":1}".utf8), contentType: "application/json",
                    attributes: [
                        "specversion": "1.0", "id": "A-1", "source": "/stranger", "type": "stranger.did",
                        "time": "2026-08-22T12:15:30.5+02:00", "tenant": "blue",
                    ]))
            let source = try await run.source()
            let messages = try await run.receive(1, source)
            let event = try messages[0].cloudEvent()
            try requireEqual(event.id, "A-1")
            try requireEqual(event["tenant"], "blue")
            try requireEqual(event.data, Data("{\"a\":1}".utf8))
            let envelope = try Envelope(event, receivedAt: Date(timeIntervalSince1970: 0))
            try requireEqual(envelope.time.timeIntervalSince1970, 1_787_393_730.5)
            try requireEqual(envelope.headers["foreignid"], "A-1")
            try await run.accept(messages, source)
        },

        BrokerConformanceCase("a stranger's event is read in structured mode") { run in
            let text = """
                { "specversion" : "1.0", "id" : "B-2", "source" : "/stranger", "type" : "stranger.did", "tenant":"grün",
                  "datacontenttype":"application/json", "data" : { "naïve" : [1, 2.50] } }
                """
            try await run.broker.publish(
                ForeignMessage(body: Array(text.utf8), contentType: "application/cloudevents+json; charset=utf-8"))
            let source = try await run.source()
            let messages = try await run.receive(1, source)
            let event = try messages[0].cloudEvent()
            try requireEqual(event.id, "B-2")
            try requireEqual(event["tenant"], "grün")
            try requireEqual(String(decoding: event.data, as: UTF8.self), "{ \"naïve\" : [1, 2.50] }")
            try await run.accept(messages, source)
        },

        BrokerConformanceCase("what is no event is given out with its bytes") { run in
            let body: [UInt8] = [0xFF, 0x00, 0x7B]
            try await run.broker.publish(ForeignMessage(body: body))
            let source = try await run.source()
            let messages = try await run.receive(1, source)
            try requireEqual(Array(messages[0].body), body)
            try await requireThrows("a message that is no event must be refused", matching: { $0 is CloudEventError }) {
                _ = try messages[0].cloudEvent()
            }
            try await run.accept(messages, source)
        },
    ]
}
