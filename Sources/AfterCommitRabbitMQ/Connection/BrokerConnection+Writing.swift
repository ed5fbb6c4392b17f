#if RabbitMQ
import Foundation
#if canImport(Glibc)
// Which of the two is taken for the home of the system's calls depends on what else the compiler has loaded.
import CDispatch
import Glibc
#endif

extension BrokerConnection {
    /// Whether there is something to read, and room to write; both where the system does not tell, and the next call does.
    func readiness() -> (reading: Bool, writing: Bool) {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN | POLLOUT), revents: 0)
        guard poll(&request, 1, 0) >= 0 else { return (true, true) }
        let trouble = Int32(request.revents) & (POLLERR | POLLHUP | POLLNVAL) != 0
        return (trouble || Int32(request.revents) & POLLIN != 0, trouble || Int32(request.revents) & POLLOUT != 0)
    }

    /// Lets the system gather small writes until ``uncork()``, where it can. It only makes things faster.
    func cork() {
        guard !isCorked else { return }
        isCorked = true
        setCork(1)
    }

    func uncork() {
        guard isCorked else { return }
        isCorked = false
        setCork(0)
    }

    private func setCork(_ value: Int32) {
        #if os(Linux)
        var value = value
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }
}
#endif
