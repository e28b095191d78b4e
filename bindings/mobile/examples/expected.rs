//! What the core says of `testdata/`, for the tests in Kotlin and Swift, which must say the same: made anew before each run, on the
//! same machine and with the same features, so that nothing need be left out.
//!
//! ```text
//! cargo run --release -p veravox-mobile --example expected -- target/mobile-expected.json
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use veravox::decode::{AudioReader, DecodeOptions, RawEncoding, RawFormat};
use veravox::evaluate::Scores;
use veravox::report::FileReport;
use veravox::runtime::{Runtime, RuntimeChoice};
use veravox::site::{FitOptions, Material, SiteCalibration};
use veravox::stream::StreamOptions;
use veravox::{CallReport, Detector};

/// A telephone packet of 20 ms.
const PACKET: usize = 160;

/// Heard live: a mono call, both legs of a stereo one.
const LIVE: [(&str, usize); 3] = [
    ("calls/03-bank-card.alaw.wav", 0),
    ("calls/01-helpdesk-reset.mulaw.wav", 0),
    ("calls/01-helpdesk-reset.mulaw.wav", 1),
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args_os().nth(1).ok_or("expected the file to write")?;
    Runtime::select(&RuntimeChoice::BuiltIn)?;
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let detector = Detector::builtin()?;
    let mut files = Vec::new();
    for folder in ["calls", "formats", "bad"] {
        for name in names(&testdata.join(folder))? {
            let path = Path::new(folder).join(name);
            let raw = raw_encoding(&path);
            files.push(scanned(&detector, &testdata, &path, raw));
        }
    }
    let calibration = calibration(&detector, &testdata)?;
    let site = detector.clone().with_calibration(SiteCalibration::parse(&calibration)?)?;
    let call = Path::new(LIVE[0].0);
    let expected = json!({
        "testdata": testdata.canonicalize()?,
        "files": files,
        "streams": LIVE.iter().map(|(path, leg)| live(&detector, &testdata, path, *leg)).collect::<Result<Vec<_>, _>>()?,
        "calibration": { "text": calibration, "file": scanned(&site, &testdata, call, None) },
    });
    std::fs::write(out, serde_json::to_string_pretty(&expected)?)?;
    Ok(())
}

/// Files, in their order.
fn names(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_audio = !["md", "tsv"].iter().any(|other| path.extension().is_some_and(|e| e == *other));
        if let (true, true, Some(name)) = (path.is_file(), is_audio, path.file_name()) {
            names.push(PathBuf::from(name));
        }
    }
    names.sort();
    Ok(names)
}

/// Of files without a header, which say in their names what they are.
fn raw_encoding(path: &Path) -> Option<(&'static str, RawEncoding)> {
    let name = path.to_str().filter(|_| path.extension().is_some_and(|extension| extension == "raw"))?;
    [("Alaw", RawEncoding::Alaw), ("Mulaw", RawEncoding::Mulaw), ("PcmS16Le", RawEncoding::PcmS16Le)]
        .into_iter()
        .find(|(encoding, _)| name.contains(&encoding.to_lowercase().replace("pcm", "")))
}

fn scanned(detector: &Detector, testdata: &Path, path: &Path, raw: Option<(&str, RawEncoding)>) -> Value {
    let format = raw.map(|(_, encoding)| RawFormat { encoding, sample_rate_hz: 8_000, channels: 1 });
    let options = DecodeOptions { raw: format, ..DecodeOptions::default() };
    let (report, error) = match detector.scan_file(&testdata.join(path), &options) {
        Ok(report) => (Some(report), None),
        Err(error) => (None, Some(error.kind().as_str())),
    };
    json!({ "path": path, "raw": raw.map(|(name, _)| name), "report": report, "error": error })
}

/// The events of a leg that is pushed packet by packet, and its verdict.
fn live(detector: &Detector, testdata: &Path, path: &str, leg: usize) -> Result<Value, Box<dyn Error>> {
    let mut reader = AudioReader::open(&testdata.join(path), &DecodeOptions::default())?;
    let samples = reader.read_to_end()?.swap_remove(leg);
    let mut stream = detector.stream_with(reader.info().sample_rate_hz, &StreamOptions::live())?;
    let mut events = Vec::new();
    for packet in samples.chunks(PACKET) {
        events.extend(stream.push(packet)?);
    }
    Ok(json!({ "path": path, "leg": leg, "events": events, "verdict": stream.finish()? }))
}

/// A site's calibration from made-up scores of people, in the form of a scan's results.
fn calibration(detector: &Detector, testdata: &Path) -> Result<String, Box<dyn Error>> {
    let real: CallReport = detector.scan_file(&testdata.join(LIVE[0].0), &DecodeOptions::default())?;
    let mut lines = String::new();
    for n in 0..400_u32 {
        let mut call = real.clone();
        let llr = f64::from(n * 37 % 101) / 101.0 * 5.0 - 2.0;
        for leg in &mut call.legs {
            leg.llr = Some(llr);
            leg.windows.iter_mut().for_each(|window| window.llr = llr);
        }
        let report = FileReport::new(format!("{n}.wav").as_ref(), call.head.clone(), Ok(call));
        lines += &(serde_json::to_string(&report)? + "\n");
    }
    let people = Material::bonafide(&Scores::parse(&lines, "results", None)?, None)?;
    Ok(SiteCalibration::fit(&people, detector.manifests(), &FitOptions::default())?.to_json())
}
