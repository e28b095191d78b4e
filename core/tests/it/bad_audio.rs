//! Broken and hostile files: each gives the error or the reason that testdata/bad/expected.tsv says, soon.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;
use veravox::decode::{AudioReader, DecodeOptions};
use veravox::{CallReport, Decision, Detector, ErrorKind, Result};

use crate::{say, testdata};

/// Far more than any of these tiny files needs, far less than for ever.
const PATIENCE: Duration = Duration::from_secs(30);

fn scan(path: PathBuf) -> Result<CallReport> {
    let (sender, receiver) = mpsc::channel();
    let shown = path.display().to_string();
    std::thread::spawn(move || {
        let report = Detector::builtin().and_then(|d| d.scan_file(&path, &DecodeOptions::default()));
        let _ = sender.send(report);
    });
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{shown}: {e}"))
}

fn kind_of(path: &Path) -> Option<ErrorKind> {
    scan(path.to_owned()).err().map(|e| e.kind())
}

#[test]
fn each_file_ends_as_the_table_says() {
    let table = std::fs::read_to_string(testdata("bad/expected.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in table.lines().skip(1) {
        let mut cells = line.split('\t');
        let (file, outcome, accepted) =
            (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap_or_default().replace(' ', "_"));
        let report = scan(testdata("bad").join(file));
        let good = match (&report, outcome) {
            (Err(e), "error" | "either") => accepted.split(",_").any(|kind| kind == e.kind().as_str()),
            (Ok(call), "scans" | "either") => !call.legs.is_empty(),
            (Ok(call), "inconclusive") => call.legs.iter().all(|leg| {
                let named = |reason: &str| leg.reasons.iter().any(|r| r.as_str() == reason);
                leg.decision == Decision::Inconclusive && (accepted.is_empty() || accepted.split(",_").any(named))
            }),
            _ => false,
        };
        if !good {
            let got = report.map(|c| c.legs.iter().map(|l| (l.decision, l.reasons.clone())).collect::<Vec<_>>());
            wrong.push(format!("{file}: expected {outcome} {accepted}, got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_say_what_was_expected_and_what_came() {
    let message = |file: &str| scan(testdata("bad").join(file)).err().unwrap().to_string();
    assert_eq!(message("empty.wav"), "the file is empty (0 bytes)");
    assert!(message("seventeen-channels.wav").contains("at most 16 channels (max_channels), found 17"));
    assert!(message("rate-2e32.wav").contains("found 4294967295 Hz"));
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(kind_of(&folder.path().join("missing.wav")), Some(ErrorKind::NotFound));
    assert_eq!(kind_of(folder.path()), Some(ErrorKind::InvalidArgument));
    #[cfg(unix)]
    {
        let pipe = folder.path().join("pipe.wav");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(kind_of(&pipe), Some(ErrorKind::InvalidArgument));
    }
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked.wav");
    std::fs::copy(testdata("formats/clip.mulaw.wav"), &path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        say("SKIPPED: a file without permission; this user may read every file");
        return;
    }
    assert_eq!(kind_of(&path), Some(ErrorKind::PermissionDenied));
}

#[test]
fn a_cut_recording_is_scored_as_far_as_it_goes_and_says_so() {
    let report = scan(testdata("calls/14-recorder-stopped.mulaw.wav")).unwrap();
    assert!(report.warnings.iter().any(|w| w.contains("ends early")), "{:?}", report.warnings);
    assert!(report.legs[0].llr.is_some());
}

#[test]
fn the_longest_duration_is_held() {
    let mut options = DecodeOptions::default();
    options.limits.max_duration_seconds = 1.0;
    let error = Detector::builtin().unwrap().scan_file(&testdata("formats/clip.flac"), &options).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(error.to_string().contains("max_duration_seconds"));
}

#[test]
fn what_once_crashed_a_reader_no_longer_does() {
    let mut n_files = 0;
    for file in std::fs::read_dir(testdata("crashes")).unwrap() {
        // Some of them hold audio beside what is broken.
        let _ = scan(file.unwrap().path());
        n_files += 1;
    }
    assert!(n_files > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bytes of a good file may be any other: the reader ends, with audio or an error.
    #[test]
    fn damaged_files_never_panic(
        file in prop::sample::select(vec![
            "clip.pcm_s16.wav", "clip.adpcm_ima.wav", "clip.flac", "clip.mp3", "clip.aac.m4a", "clip.vorbis.ogg",
            "clip.pcm_s16.aiff", "clip.pcm_s16.caf", "clip.pcm_s16.mka", "clip.mulaw.au", "clip.pcm_s16.w64",
            "clip.amr_nb_7.amr", "clip.amr_wb_2.awb", "clip.amr_nb.3gp", "clip.opus_12k_8khz.opus", "clip.gsm.wav",
            "clip.g722.wav", "clip.g729.wav", "clip.g726_32.wav",
        ]),
        damage in prop::collection::vec((0.0..1.0_f64, any::<u8>(), any::<bool>()), 1..16),
        cut in prop::option::of(0.0..1.0_f64),
    ) {
        let mut bytes = std::fs::read(testdata("formats").join(file)).unwrap();
        for (place, byte, in_header) in damage {
            let n = if in_header { bytes.len().min(128) } else { bytes.len() };
            bytes[(place * n as f64) as usize] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate((cut * bytes.len() as f64) as usize);
        }
        if let Ok(mut reader) = AudioReader::from_bytes(bytes, None, &DecodeOptions::default()) {
            while let Ok(Some(_)) = reader.next_chunk() {}
        }
    }
}
