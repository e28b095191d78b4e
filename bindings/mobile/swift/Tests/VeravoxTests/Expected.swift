import Foundation
import Testing

@testable import Veravox

/// Largest difference of two llrs that are the same.
let tolerance = 1e-5

/// What the core says of `testdata/`; `examples/expected.rs` writes it before the tests.
struct Expected: Decodable, Sendable {
    struct File: Decodable, Sendable {
        let path: String
        let raw: String?
        let report: Report?
        let error: String?
    }

    struct Report: Decodable, Sendable {
        struct Model: Decodable, Sendable {
            let name, version, sha256: String
        }
        struct Thresholds: Decodable, Sendable {
            let prior, synthetic_llr, bonafide_llr: Double
        }
        struct Calibration: Decodable, Sendable {
            let digest: String
        }
        struct Audio: Decodable, Sendable {
            let container, codec: String
            let sample_rate_hz, channels: Int32
            let duration_seconds: Double
        }
        let model: Model
        let runtime: String
        let thresholds: Thresholds
        let calibration: Calibration?
        let audio: Audio
        let warnings: [String]
        let legs: [Leg]
    }

    struct Window: Decodable, Sendable {
        let start_seconds, end_seconds, llr, fresh_share: Double
        let reason: String?
    }

    struct Leg: Decodable, Sendable {
        struct Segment: Decodable, Sendable {
            let start_seconds, end_seconds, llr: Double
        }
        struct Change: Decodable, Sendable {
            let at_seconds: Double
            let decision: String
        }
        struct Interruptions: Decodable, Sendable {
            let lost_seconds, held_seconds: Double
            let shed_windows, replaced_windows: Int64
        }
        let leg: Int32
        let stage, decision: String
        let llr, probability, people_above, firm_at_seconds: Double?
        let speech_seconds: Double
        let reasons: [String]
        let changes: [Change]
        let windows: [Window]
        let segments: [Segment]
        let interruptions: Interruptions
        let notes: [String]
    }

    /// A window or a verdict: the fields of both, as far as they are there.
    struct News: Decodable, Sendable {
        let event: String
        let start_seconds, end_seconds, llr, fresh_share, probability, speech_seconds: Double?
        let stage, decision, reason: String?
        let reasons: [String]?
    }

    struct Live: Decodable, Sendable {
        let path: String
        let leg: Int
        let events: [News]
        let verdict: Leg
    }

    struct Site: Decodable, Sendable {
        let text: String
        let file: File
    }

    let testdata: String
    let files: [File]
    let streams: [Live]
    let calibration: Site

    static let all: Expected = {
        guard let path = ProcessInfo.processInfo.environment["VERAVOX_EXPECTED"],
            let bytes = FileManager.default.contents(atPath: path)
        else {
            fatalError("VERAVOX_EXPECTED names no file: run the tests by test.sh")
        }
        do {
            return try JSONDecoder().decode(Expected.self, from: bytes)
        } catch {
            fatalError("\(path): \(error)")
        }
    }()

    func path(_ name: String) -> String {
        testdata + "/" + name
    }
}

/// Whether these are the same, or both missing.
func same(_ expected: Double?, _ found: Double?) -> Bool {
    switch (expected, found) {
    case (nil, nil): return true
    case (let expected?, let found?): return abs(expected - found) <= tolerance
    default: return false
    }
}

/// `tooLittleSpeech` as it stands in reports: `too_little_speech`.
func inReports<Word>(_ word: Word) -> String {
    inReports("\(word)")
}

func inReports(_ name: String) -> String {
    var words = ""
    for letter in name {
        if letter.isUppercase && !words.isEmpty {
            words.append("_")
        }
        words.append(contentsOf: letter.lowercased())
    }
    return words
}

/// The name of the kind of an error, as it stands in reports.
func kind(_ error: VeravoxError) -> String {
    let whole = "\(error)"
    return inReports(String(whole.prefix { $0 != "(" }))
}

func expectReport(_ expected: Expected.Report, _ report: CallReport, _ path: String) {
    #expect(expected.model.name == report.model.name, "\(path)")
    #expect(expected.model.version == report.model.version, "\(path)")
    #expect(expected.model.sha256 == report.model.sha256, "\(path)")
    #expect(expected.runtime == report.runtime, "\(path)")
    #expect(same(expected.thresholds.prior, report.thresholds.prior), "\(path)")
    #expect(same(expected.thresholds.synthetic_llr, report.thresholds.syntheticLlr), "\(path)")
    #expect(same(expected.thresholds.bonafide_llr, report.thresholds.bonafideLlr), "\(path)")
    #expect(expected.calibration?.digest == report.calibration?.digest, "\(path)")
    #expect(expected.audio.container == report.audio.container, "\(path)")
    #expect(expected.audio.codec == report.audio.codec, "\(path)")
    #expect(expected.audio.sample_rate_hz == report.audio.sampleRateHz, "\(path)")
    #expect(expected.audio.channels == report.audio.channels, "\(path)")
    #expect(same(expected.audio.duration_seconds, report.audio.durationSeconds), "\(path)")
    #expect(expected.warnings == report.warnings, "\(path)")
    #expect(expected.legs.count == report.legs.count, "\(path)")
    for (of, leg) in zip(expected.legs, report.legs) {
        expectLeg(of, leg, path)
    }
}

func expectLeg(_ expected: Expected.Leg, _ leg: LegVerdict, _ path: String) {
    #expect(expected.leg == leg.leg, "\(path)")
    #expect(expected.stage == inReports(leg.stage), "\(path)")
    #expect(expected.decision == inReports(leg.decision), "\(path)")
    #expect(expected.reasons == leg.reasons.map { inReports($0) }, "\(path)")
    #expect(same(expected.llr, leg.llr), "\(path)")
    #expect(same(expected.probability, leg.probability), "\(path)")
    #expect(same(expected.people_above, leg.peopleAbove), "\(path)")
    #expect(same(expected.firm_at_seconds, leg.firmAtSeconds), "\(path)")
    #expect(same(expected.speech_seconds, leg.speechSeconds), "\(path)")
    #expect(expected.notes == leg.notes, "\(path)")
    #expect(expected.windows.count == leg.windows.count, "\(path)")
    for (of, window) in zip(expected.windows, leg.windows) {
        #expect(same(of.start_seconds, window.startSeconds), "\(path)")
        #expect(same(of.end_seconds, window.endSeconds), "\(path)")
        #expect(same(of.llr, window.llr), "\(path)")
        #expect(same(of.fresh_share, window.freshShare), "\(path)")
        #expect(of.reason == window.reason.map { inReports($0) }, "\(path)")
    }
    #expect(expected.segments.count == leg.segments.count, "\(path)")
    for (of, segment) in zip(expected.segments, leg.segments) {
        #expect(same(of.start_seconds, segment.startSeconds), "\(path)")
        #expect(same(of.end_seconds, segment.endSeconds), "\(path)")
        #expect(same(of.llr, segment.llr), "\(path)")
    }
    #expect(expected.changes.count == leg.changes.count, "\(path)")
    for (of, change) in zip(expected.changes, leg.changes) {
        #expect(same(of.at_seconds, change.atSeconds), "\(path)")
        #expect(of.decision == inReports(change.decision), "\(path)")
    }
    #expect(same(expected.interruptions.lost_seconds, leg.interruptions.lostSeconds), "\(path)")
    #expect(same(expected.interruptions.held_seconds, leg.interruptions.heldSeconds), "\(path)")
    #expect(expected.interruptions.shed_windows == leg.interruptions.shedWindows, "\(path)")
    #expect(expected.interruptions.replaced_windows == leg.interruptions.replacedWindows, "\(path)")
}

func expectEvents(_ expected: [Expected.News], _ events: [Event], _ path: String) {
    #expect(expected.count == events.count, "\(path)")
    for (of, event) in zip(expected, events) {
        switch event {
        case .window(let window):
            #expect(of.event == "window", "\(path)")
            #expect(same(of.start_seconds, window.startSeconds), "\(path)")
            #expect(same(of.end_seconds, window.endSeconds), "\(path)")
            #expect(same(of.llr, window.llr), "\(path)")
            #expect(same(of.fresh_share, window.freshShare), "\(path)")
            #expect(of.reason == window.reason.map { inReports($0) }, "\(path)")
        case .verdict(let verdict):
            #expect(of.event == "verdict", "\(path)")
            #expect(of.stage == inReports(verdict.stage), "\(path)")
            #expect(of.decision == inReports(verdict.decision), "\(path)")
            #expect(of.reasons == verdict.reasons.map { inReports($0) }, "\(path)")
            #expect(same(of.llr, verdict.llr), "\(path)")
            #expect(same(of.probability, verdict.probability), "\(path)")
            #expect(same(of.speech_seconds, verdict.speechSeconds), "\(path)")
        case .ended:
            Issue.record("a stream tells no end by itself: \(path)")
        }
    }
}
