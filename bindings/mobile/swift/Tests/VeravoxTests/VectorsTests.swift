import Foundation
import Testing

@testable import Veravox

/// The library says here what the core says, of every file.
@Suite struct VectorsTests {
    let detector: Detector

    init() throws {
        detector = try Detector()
    }

    @Test func everyFileHasTheReportOrTheErrorThatItHasInRust() throws {
        let files = Expected.all.files
        #expect(files.count > 100)
        #expect(files.filter { $0.report != nil }.count > 30)
        for file in files {
            do {
                let report = try detector.scanFile(path: Expected.all.path(file.path), raw: raw(file))
                let expected = try #require(file.report, "\(file.path): expected \(file.error ?? "")")
                expectReport(expected, report, file.path)
            } catch let error as VeravoxError {
                #expect(file.error == kind(error), "\(file.path)")
            }
        }
    }

    @Test func bytesAreScoredLikeTheFileThatTheyCameFrom() async throws {
        for file in Expected.all.files.filter({ isToldByItsBytes($0) }).prefix(12) {
            let path = Expected.all.path(file.path)
            let report = try await detector.scan(path: path, raw: raw(file))
            let bytes = try #require(FileManager.default.contents(atPath: path))
            let again = try await detector.scan(bytes: bytes, raw: raw(file))
            #expect(report == again, "\(file.path)")
        }
    }

    @Test func aLegThatIsPushedPacketByPacketHasTheEventsThatItHasInRust() throws {
        for live in Expected.all.streams {
            let floats = try samples(live.path, leg: live.leg)
            let whole = floats.map { Int16(($0 * 32_768).rounded()) }
            let ways: [(LegStream, Range<Int>) throws -> [Event]] = [
                { stream, range in try stream.push(Array(whole[range])) },
                { stream, range in try stream.push(Array(floats[range])) },
                { stream, range in
                    try floats[range].withUnsafeBufferPointer { samples in try stream.push(samples) }
                },
            ]
            for push in ways {
                let stream = try detector.stream(sampleRateHz: 8_000)
                var events: [Event] = []
                for start in Swift.stride(from: 0, to: whole.count, by: 160) {
                    let news = try push(stream, start..<min(start + 160, whole.count))
                    events.append(contentsOf: news)
                }
                expectEvents(live.events, events, live.path)
                let verdict = try stream.finish()
                // The leg of a stream has no number.
                expectLeg(live.verdict, verdict, live.path)
            }
        }
    }

    @Test func aSitesCalibrationHoldsHereToo() throws {
        let site = Expected.all.calibration
        let calibrated = try Detector(calibration: site.text)
        let report = try calibrated.scanFile(path: Expected.all.path(site.file.path))
        let expected = try #require(site.file.report)
        expectReport(expected, report, site.file.path)
        let plain = try detector.scanFile(path: Expected.all.path(site.file.path))
        #expect(plain.calibration == nil)
    }

    /// Bytes have no extension, by which a file without a header may be known.
    private func isToldByItsBytes(_ file: Expected.File) -> Bool {
        guard let report = file.report else { return false }
        return report.audio.container != "raw" || file.raw != nil
    }

    private func raw(_ file: Expected.File) -> RawFormat? {
        switch file.raw {
        case "Alaw": return RawFormat(encoding: .alaw, sampleRateHz: 8_000)
        case "Mulaw": return RawFormat(encoding: .mulaw, sampleRateHz: 8_000)
        case "PcmS16Le": return RawFormat(encoding: .pcmS16Le, sampleRateHz: 8_000)
        default: return nil
        }
    }
}

/// The samples of a leg.
func samples(_ name: String, leg: Int) throws -> [Float] {
    let recording = try Recording.open(path: Expected.all.path(name))
    var samples: [Float] = []
    while let legs = try recording.next() {
        let bytes = [UInt8](legs[leg])
        for start in Swift.stride(from: 0, to: bytes.count, by: 4) {
            var bits: UInt32 = 0
            for byte in bytes[start..<start + 4].reversed() {
                bits = (bits << 8) | UInt32(byte)
            }
            samples.append(Float(bitPattern: bits))
        }
    }
    return samples
}
