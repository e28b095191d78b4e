import Dispatch
import Foundation

extension Detector {
    /// Scores a recording in a file; each channel is a leg of its own. It works in a thread of Dispatch; a task that is cancelled
    /// ends it within a moment.
    ///
    /// - Parameter raw: What the audio is, where the file has no header.
    /// - Throws: `VeravoxError` where the file cannot be read or scored; `CancellationError` where the task is cancelled.
    public func scan(path: String, raw: RawFormat? = nil) async throws -> CallReport {
        try await cancellable { cancellation in
            try self.scanFile(path: path, raw: raw, cancellation: cancellation)
        }
    }

    /// As `scan(path:)`, of the bytes of a file.
    public func scan(bytes: Data, raw: RawFormat? = nil) async throws -> CallReport {
        try checkCount(ofBytes: bytes.count)
        return try await cancellable { cancellation in
            try self.scanBytes(bytes: bytes, raw: raw, cancellation: cancellation)
        }
    }
}

/// Work that would hold up a task's thread, done beside it.
private func cancellable<Value: Sendable>(
    _ work: @escaping @Sendable (Cancellation) throws -> Value
) async throws -> Value {
    let cancellation = Cancellation()
    do {
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
                DispatchQueue.global(qos: .userInitiated).async {
                    do {
                        let value = try work(cancellation)
                        continuation.resume(returning: value)
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
            }
        } onCancel: {
            cancellation.cancel()
        }
    } catch VeravoxError.Cancelled(let message) {
        try Task.checkCancellation()
        throw VeravoxError.Cancelled(message: message)
    }
}
