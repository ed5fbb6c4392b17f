#if HTTP
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// What the receiver does with a request.
enum Reply: Sendable {
    case answer(HTTPResponseStatus, headers: [(String, String)] = [], body: String = "")
    /// The head and a first piece of the body, and then nothing more.
    case unfinished(HTTPResponseStatus)
    /// A body that never ends, as fast as it is read.
    case endless(HTTPResponseStatus)
    /// Nothing at all.
    case silence
    /// The connection ends without an answer.
    case hangUp
    /// These bytes, whether they are HTTP or not, and then what `then` says.
    case raw(String, then: Afterwards)

    enum Afterwards: Sendable {
        case close
        case wait
        /// These bytes again and again, as fast as they are read.
        case pour(String)
        /// One byte of these now and then, for ever.
        case drip(String)
    }
}

/// A request as it arrived.
struct ReceivedRequest: Sendable {
    var head: HTTPRequestHead
    var body: String
    /// The number of its connection, from 1.
    var connection: Int
}

/// A real HTTP server on a free port of loopback.
final class Receiver: Sendable {
    let port: Int
    /// Every complete request, in order of arrival.
    let requests: AsyncStream<ReceivedRequest>
    /// The number of every connection that closed.
    let closedConnections: AsyncStream<Int>
    private let channel: any Channel
    private let counts: Counts

    private final class Counts: Sendable {
        let connections = Mutex(0)
        let requests = Mutex(0)
    }

    var url: String { "http://127.0.0.1:\(port)/mock/orders" }
    /// How many connections were made so far.
    var connectionCount: Int { counts.connections.withLock(\.self) }
    /// How many requests arrived so far.
    var requestCount: Int { counts.requests.withLock(\.self) }

    /// - Parameter tls: speak TLS with it.
    init(tls: NIOSSLContext? = nil, reply: @escaping @Sendable (ReceivedRequest) -> Reply) async throws {
        let (requests, requestFeed) = AsyncStream<ReceivedRequest>.makeStream()
        let (closed, closedFeed) = AsyncStream<Int>.makeStream()
        let counts = Counts()
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                let number = counts.connections.withLock { count in
                    count += 1
                    return count
                }
                return channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.addHandler(RawReplyHandler())
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: false)
                    try channel.pipeline.syncOperations.addHandler(
                        ReplyHandler(
                            connection: number,
                            reply: { request in
                                counts.requests.withLock { $0 += 1 }
                                return reply(request)
                            }, requests: requestFeed, closed: closedFeed))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.counts = counts
        self.requests = requests
        closedConnections = closed
        port = channel.localAddress?.port ?? 0
    }

    func stop() async {
        try? await channel.close()
    }
}

private final class ReplyHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let connection: Int
    private let reply: @Sendable (ReceivedRequest) -> Reply
    private let requests: AsyncStream<ReceivedRequest>.Continuation
    private let closed: AsyncStream<Int>.Continuation
    private var current: ReceivedRequest?

    init(
        connection: Int, reply: @escaping @Sendable (ReceivedRequest) -> Reply,
        requests: AsyncStream<ReceivedRequest>.Continuation, closed: AsyncStream<Int>.Continuation
    ) {
        self.connection = connection
        self.reply = reply
        self.requests = requests
        self.closed = closed
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): current = ReceivedRequest(head: head, body: "", connection: connection)
        case .body(let bytes): current?.body += String(buffer: bytes)
        case .end:
            guard let request = current else { return }
            current = nil
            send(reply(request), on: context)
            requests.yield(request)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed.yield(connection)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func send(_ reply: Reply, on context: ChannelHandlerContext) {
        func head(_ status: HTTPResponseStatus, _ headers: [(String, String)]) {
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: HTTPHeaders(headers))
            context.write(wrapOutboundOut(.head(head)), promise: nil)
        }
        switch reply {
        case .answer(let status, let headers, let body):
            head(status, headers + [("content-length", "\(body.utf8.count)")])
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .unfinished(let status):
            head(status, [("transfer-encoding", "chunked")])
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "drip")))), promise: nil)
        case .endless(let status):
            head(status, [("transfer-encoding", "chunked")])
            pour(on: context.channel)
        case .silence: break
        case .hangUp: context.close(promise: nil)
        case .raw(let bytes, let then):
            context.triggerUserOutboundEvent(RawReply(bytes: bytes, then: then), promise: nil)
        }
    }

    /// Writes the next piece when the one before went out, until the other side closes.
    private func pour(on channel: any Channel) {
        let piece = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(repeating: 0x2E, count: 16_384)))
        @Sendable func next() {
            channel.writeAndFlush(piece).whenSuccess { next() }
        }
        next()
    }
}

private struct RawReply: Sendable {
    var bytes: String
    var then: Reply.Afterwards
}

/// Stands below the HTTP encoder and writes what no encoder would.
private final class RawReplyHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let reply = event as? RawReply else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        let written = context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply.bytes)))
        switch reply.then {
        case .close: context.close(promise: nil)
        case .wait: break
        case .pour(let piece):
            let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
            // In large pieces: filling a socket's buffer with small ones would keep the loop from everything else.
            let text = String(repeating: piece, count: 65_536 / piece.utf8.count)
            written.whenSuccess { Self.pour(ByteBuffer(string: text), on: loopBound) }
        case .drip(let piece):
            Self.drip(ByteBuffer(string: piece), on: NIOLoopBound(context, eventLoop: context.eventLoop))
        }
    }

    private static func pour(_ piece: ByteBuffer, on context: NIOLoopBound<ChannelHandlerContext>) {
        // Not at once: a write that succeeds at once would come back here ever deeper.
        context.value.writeAndFlush(NIOAny(piece)).whenSuccess {
            context.value.eventLoop.execute { pour(piece, on: context) }
        }
    }

    private static func drip(_ piece: ByteBuffer, on context: NIOLoopBound<ChannelHandlerContext>) {
        context.value.eventLoop.scheduleTask(in: .milliseconds(5)) {
            var rest = piece
            guard let drop = rest.readSlice(length: 1) else { return }
            rest.writeImmutableBuffer(drop)
            let next = rest
            context.value.writeAndFlush(NIOAny(drop)).whenSuccess { drip(next, on: context) }
        }
    }
}
#endif
