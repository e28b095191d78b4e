import Foundation
import Testing

@testable import Veravox

@Suite struct WatchTests {
    let detector: Detector
    let call = Expected.all.path("calls/03-bank-card.alaw.wav")

    init() throws {
        detector = try Detector()
    }

    @Test func aRecordingIsWatchedAtTheSpeedOfTheCall() async throws {
        let started = ContinuousClock.now
        var last: Event?
        for try await event in try detector.watch(path: Expected.all.path("formats/clip.mulaw.wav")) {
            last = event
        }
        // The clip lasts 1.8 s.
        #expect(ContinuousClock.now - started > .milliseconds(1_790))
        guard case .ended? = last else {
            Issue.record("the last event is not the end")
            return
        }
    }

    @Test func watchingTellsWhatAStreamTellsAndEndsWithTheVerdict() async throws {
        let live = Expected.all.streams[0]
        var events: [Event] = []
        for try await event in try detector.watch(path: call, pace: false) {
            events.append(event)
        }
        guard case .ended(let leg)? = events.popLast() else {
            Issue.record("the last event is not the end")
            return
        }
        expectEvents(live.events, events, live.path)
        expectLeg(live.verdict, leg, live.path)
    }

    @Test func chunksOfOnesOwnAreWatched() async throws {
        let all = try packets()
        let chunks = AsyncStream<[Int16]> { continuation in
            for packet in all {
                continuation.yield(packet)
            }
            continuation.finish()
        }
        for try await event in detector.watch(chunks, sampleRateHz: 8_000) {
            if case .verdict(let verdict) = event, verdict.stage == .firm {
                #expect(inReports(verdict.decision) == Expected.all.streams[0].verdict.decision)
                return
            }
        }
        Issue.record("no verdict was firm")
    }

    @Test func aLegThatIsNotThereIsRefused() {
        #expect(throws: VeravoxError.self) { try detector.watch(path: call, leg: 1) }
        #expect(throws: VeravoxError.self) { try detector.watch(path: call + ".none") }
    }

    @Test func aTaskThatIsCancelledStopsListening() async throws {
        let events = try detector.watch(path: call)
        let listening = Task {
            for try await _ in events {}
        }
        try await Task.sleep(for: .milliseconds(60))
        listening.cancel()
        let outcome = await listening.result
        #expect(throws: CancellationError.self) { try outcome.get() }
        let file = Expected.all.files.first { $0.path == Expected.all.streams[0].path }
        let expected = try #require(file?.report)
        let report = try await detector.scan(path: call)
        expectReport(expected, report, "after a task that was cancelled")
    }

    @Test func aScanThatIsCancelledEndsWithinAMoment() async throws {
        let path = Expected.all.path("formats/clip.8000hz.alaw.raw")
        let speech = try #require(FileManager.default.contents(atPath: path))
        var hour = Data()
        while hour.count < 8_000 * 3_600 {
            hour.append(speech)
        }
        let bytes = hour
        let detector = self.detector
        let scan = Task {
            try await detector.scan(bytes: bytes, raw: RawFormat(encoding: .alaw, sampleRateHz: 8_000))
        }
        try await Task.sleep(for: .milliseconds(100))
        let started = ContinuousClock.now
        scan.cancel()
        let outcome = await scan.result
        #expect(throws: CancellationError.self) { try outcome.get() }
        #expect(ContinuousClock.now - started < .seconds(2))
    }

    private func packets() throws -> [[Int16]] {
        let whole = try samples("calls/03-bank-card.alaw.wav", leg: 0).map { Int16(($0 * 32_768).rounded()) }
        return Swift.stride(from: 0, to: whole.count, by: 160).map { Array(whole[$0..<min($0 + 160, whole.count)]) }
    }
}
