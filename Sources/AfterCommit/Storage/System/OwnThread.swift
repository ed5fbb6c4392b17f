import Foundation

/// Runs a call that may block for long on a thread of its own, so that it holds up nobody else.
package func onOwnThread<R: Sendable>(
    _ name: String, _ body: @escaping @Sendable () throws -> R
) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try body() }) }
        thread.name = name
        thread.start()
    }
}

/// The same for a call that cannot fail.
package func onOwnThread<R: Sendable>(_ name: String, _ body: @escaping @Sendable () -> R) async -> R {
    await withCheckedContinuation { continuation in
        let thread = Thread { continuation.resume(returning: body()) }
        thread.name = name
        thread.start()
    }
}
