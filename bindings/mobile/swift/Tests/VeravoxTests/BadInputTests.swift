import Foundation
import Testing

@testable import Veravox

/// Whatever is done to it, errors have a type and the process lives.
@Suite struct BadInputTests {
    let detector: Detector
    let call: [Float]

    init() throws {
        detector = try Detector()
        call = try samples("calls/03-bank-card.alaw.wav", leg: 0)
    }

    @Test func aStreamThatIsFinishedIsOver() throws {
        let stream = try detector.stream(sampleRateHz: 8_000)
        try stream.push(call)
        let leg = try stream.finish()
        expectLeg(Expected.all.streams[0].verdict, leg, Expected.all.streams[0].path)
        expectRefusal("invalid_argument") { _ = try stream.push([Int16](repeating: 0, count: 160)) }
        expectRefusal("invalid_argument") { _ = try stream.hold() }
        expectRefusal("invalid_argument") { _ = try stream.verdict() }
        expectRefusal("invalid_argument") { _ = try stream.finish() }
    }

    @Test func severalTasksTakeTurns() async throws {
        let stream = try detector.stream(sampleRateHz: 8_000)
        let call = self.call
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<4 {
                group.addTask {
                    for packet in 0..<50 {
                        let start = (part * 50 + packet) * 400
                        try stream.push(Array(call[start..<start + 400]))
                    }
                }
            }
            try await group.waitForAll()
        }
        let leg = try stream.finish()
        #expect(leg.speechSeconds > 5)
    }

    @Test func ratesThatCannotBeAreRefused() throws {
        for rate: Int32 in [0, 1, 3_999, 384_001, Int32.max] {
            expectRefusal("limit_exceeded") { _ = try detector.stream(sampleRateHz: rate) }
        }
        expectRefusal("invalid_argument") { _ = try detector.stream(sampleRateHz: -1) }
        let stream = try detector.stream(sampleRateHz: 8_000)
        expectRefusal("limit_exceeded") { _ = try stream.changeRate(sampleRateHz: 1) }
        try stream.push(call)
        let leg = try stream.finish()
        expectLeg(Expected.all.streams[0].verdict, leg, Expected.all.streams[0].path)
    }

    @Test func buffersMayBeEmptyAndMustHoldWholeSamples() throws {
        let stream = try detector.stream(sampleRateHz: 8_000)
        let none = [try stream.push([Int16]()), try stream.push([Float]()), try stream.pushPcm16(samples: Data())]
        #expect(none.allSatisfy { $0.isEmpty })
        expectRefusal("invalid_argument") { _ = try stream.pushPcm16(samples: Data([1, 2, 3])) }
        expectRefusal("invalid_argument") { _ = try stream.pushFloat32(samples: Data([1, 2, 3, 4, 5, 6])) }
        expectRefusal("invalid_argument") { _ = try stream.lost(nSamples: -1) }
        expectRefusal("unsupported_audio") { _ = try detector.scanBytes(bytes: Data()) }
        let leg = try stream.finish()
        #expect(leg.reasons == [.noSignal, .tooLittleSpeech])
    }

    @Test func whatIsNoNumberCountsAsSilenceAndSpoilsTheVerdict() throws {
        let stream = try detector.stream(sampleRateHz: 8_000)
        try stream.push([Float](repeating: .nan, count: 16_000))
        try stream.push([Float](repeating: .infinity, count: 16_000))
        try stream.push([Float](repeating: 1e30, count: 16_000))
        let leg = try stream.finish()
        #expect(leg.decision == .inconclusive)
        #expect(leg.reasons.contains(.invalidSamples))
    }

    @Test func whatIsTooLongToBeCountedIsRefused() throws {
        let stream = try detector.stream(sampleRateHz: 8_000)
        // Nothing of it is read.
        let start = UnsafePointer<Float>(bitPattern: 4_096)
        let endless = UnsafeBufferPointer(start: start, count: 1 << 30)
        expectRefusal("limit_exceeded") { _ = try stream.push(endless) }
        let leg = try stream.finish()
        #expect(leg.speechSeconds == 0)
    }

    @Test func settingsThatCannotBeAreRefused() {
        expectRefusal("not_found") { _ = try Detector(model: "telegraph") }
        expectRefusal("invalid_argument") { _ = try Detector(prior: 1) }
        expectRefusal("invalid_argument") { _ = try Detector(syntheticLlr: .nan) }
        #expect(throws: VeravoxError.self) { try Detector(calibration: "{}") }
        expectRefusal("invalid_argument") { _ = try Detector(targetFalseAlarm: 0.1) }
        expectRefusal("invalid_argument") { _ = try detector.stream(sampleRateHz: 8_000, maxWindowsKept: -1) }
        expectRefusal("not_found") { _ = try detector.scanFile(path: "no such call.wav") }
        expectRefusal("invalid_argument") { _ = try detector.scanFile(path: ".") }
    }

    /// This fails, with an error of this kind.
    private func expectRefusal(_ expected: String, _ work: () throws -> Void) {
        var found = "nothing"
        do {
            try work()
        } catch let error as VeravoxError {
            found = kind(error)
        } catch {
            found = "\(error)"
        }
        #expect(found == expected)
    }
}
