import Foundation

extension Detector {
    /// Watches one leg of a call to its end: the events of its chunks, arrays of 16-bit samples of any size, and `Event.ended` last.
    ///
    /// Each loop over the events has a stream of its own, which goes when the loop does.
    ///
    /// - Parameters:
    ///   - sampleRateHz: Samples a second, 4,000 to 384,000.
    ///   - live: For a call that goes on; otherwise it is scored as a scan does.
    public func watch<Chunks: AsyncSequence>(
        _ chunks: Chunks, sampleRateHz: Int32, live: Bool = true
    ) -> LegEvents<Chunks> where Chunks.Element == [Int16] {
        LegEvents(
            chunks: chunks,
            open: { try self.stream(sampleRateHz: sampleRateHz, live: live) },
            push: { stream, chunk in try stream.push(chunk) }
        )
    }

    /// Watches one leg of a recording as if the call went on now: in pieces of 20 ms, at the pace of the call or, where `pace` is
    /// false, as fast as they are scored. `Event.ended` comes last.
    ///
    /// - Parameters:
    ///   - leg: Which leg, from 0: the channel.
    ///   - raw: What the audio is, where the file has no header.
    public func watch(
        path: String, leg: Int = 0, raw: RawFormat? = nil, pace: Bool = true, live: Bool = true
    ) throws -> LegEvents<RecordedLeg> {
        let recording = try RecordedLeg(path: path, leg: leg, raw: raw, pace: pace)
        let sampleRateHz = recording.sampleRateHz
        return LegEvents(
            chunks: recording,
            open: { try self.stream(sampleRateHz: sampleRateHz, live: live) },
            push: { stream, samples in try stream.pushFloat32(samples: samples) }
        )
    }
}

/// The events of one leg of a call.
public struct LegEvents<Chunks: AsyncSequence>: AsyncSequence {
    public typealias Element = Event

    let chunks: Chunks
    let open: @Sendable () throws -> LegStream
    let push: @Sendable (LegStream, Chunks.Element) throws -> [Event]

    public func makeAsyncIterator() -> Iterator {
        Iterator(chunks: chunks.makeAsyncIterator(), open: open, push: push)
    }

    /// Hears as much of the leg as it takes to have news.
    public struct Iterator: AsyncIteratorProtocol {
        var chunks: Chunks.AsyncIterator
        let open: @Sendable () throws -> LegStream
        let push: @Sendable (LegStream, Chunks.Element) throws -> [Event]
        var stream: LegStream?
        var ready: [Event] = []
        var isOver = false

        init(
            chunks: Chunks.AsyncIterator,
            open: @escaping @Sendable () throws -> LegStream,
            push: @escaping @Sendable (LegStream, Chunks.Element) throws -> [Event]
        ) {
            self.chunks = chunks
            self.open = open
            self.push = push
        }

        public mutating func next() async throws -> Event? {
            while ready.isEmpty {
                if isOver {
                    return nil
                }
                let stream = try self.stream ?? open()
                self.stream = stream
                if let chunk = try await chunks.next() {
                    ready = try push(stream, chunk)
                } else {
                    isOver = true
                    let leg = try stream.finish()
                    ready = [.ended(leg: leg)]
                }
            }
            return ready.removeFirst()
        }
    }
}

extension LegEvents: Sendable where Chunks: Sendable {}
