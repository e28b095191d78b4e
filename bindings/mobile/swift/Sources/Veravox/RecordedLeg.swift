import Foundation

/// One leg of a recording, in pieces of 20 ms: 32-bit floats in [-1, 1], little-endian.
public struct RecordedLeg: AsyncSequence, Sendable {
    public typealias Element = Data

    /// Samples a second.
    public let sampleRateHz: Int32
    let path: String
    let leg: Int
    let raw: RawFormat?
    let pace: Bool

    /// A leg of the recording in a file.
    ///
    /// - Parameters:
    ///   - leg: Which leg, from 0: the channel.
    ///   - raw: What the audio is, where the file has no header.
    ///   - pace: Whether the pieces come at the pace of the call.
    public init(path: String, leg: Int = 0, raw: RawFormat? = nil, pace: Bool = true) throws {
        let recording = try Recording.open(path: path, raw: raw)
        let channels = Int(recording.channels())
        guard leg >= 0 && leg < channels else {
            throw VeravoxError.InvalidArgument(message: "expected a leg of 0 to \(channels - 1), got \(leg)")
        }
        self.sampleRateHz = recording.sampleRateHz()
        self.path = path
        self.leg = leg
        self.raw = raw
        self.pace = pace
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(of: self)
    }

    /// Reads the recording from its start.
    public struct Iterator: AsyncIteratorProtocol {
        let of: RecordedLeg
        let started = ContinuousClock.now
        var recording: Recording?
        var piece = Data()
        var position = 0
        var samples = 0

        init(of: RecordedLeg) {
            self.of = of
        }

        public mutating func next() async throws -> Data? {
            let recording = try self.recording ?? Recording.open(path: of.path, raw: of.raw)
            self.recording = recording
            while position >= piece.count {
                guard let legs = try recording.next() else { return nil }
                piece = legs[of.leg]
                position = 0
            }
            // Packets of 20 ms, as telephones send them.
            let end = Swift.min(position + Int(of.sampleRateHz) / 50 * bytesOfASample, piece.count)
            let packet = piece.subdata(in: position..<end)
            position = end
            samples += packet.count / bytesOfASample
            if of.pace {
                // A packet is there when its last sample was spoken.
                let spoken = started.advanced(by: .seconds(Double(samples) / Double(of.sampleRateHz)))
                try await Task.sleep(until: spoken, clock: .continuous)
            } else {
                try Task.checkCancellation()
            }
            return packet
        }
    }
}

private let bytesOfASample = 4
