import Foundation

extension LegStream {
    /// Takes the next samples of the leg, 16-bit, from where they lie. Returns the windows that they completed and any news of the
    /// verdict.
    @discardableResult
    public func push(_ samples: [Int16]) throws -> [Event] {
        try samples.withUnsafeBytes { try pushPcm16(samples: borrowed($0)) }
    }

    /// Takes the next samples of the leg, floats in [-1, 1], from where they lie. What is no number counts as zero, and much of it
    /// makes the leg inconclusive; values outside are clipped.
    @discardableResult
    public func push(_ samples: [Float]) throws -> [Event] {
        try samples.withUnsafeBytes { try pushFloat32(samples: borrowed($0)) }
    }

    /// As `push` of an array, of what a microphone's buffer holds: `AVAudioPCMBuffer.floatChannelData`.
    @discardableResult
    public func push(_ samples: UnsafeBufferPointer<Float>) throws -> [Event] {
        try pushFloat32(samples: borrowed(UnsafeRawBufferPointer(samples)))
    }
}

/// Data that lies where these bytes do. It is good for as long as they are.
private func borrowed(_ bytes: UnsafeRawBufferPointer) throws -> Data {
    try checkCount(ofBytes: bytes.count)
    guard let start = bytes.baseAddress, bytes.count > 0 else { return Data() }
    return Data(bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: bytes.count, deallocator: .none)
}

/// Refuses what the library could not be told the length of, which is counted in 32 bits, with four bytes for itself: the generated
/// sources end the process there.
func checkCount(ofBytes count: Int) throws {
    let most = Int(Int32.max) - 4
    guard count <= most else {
        throw VeravoxError.LimitExceeded(message: "expected at most \(most) bytes at a time, got \(count)")
    }
}
