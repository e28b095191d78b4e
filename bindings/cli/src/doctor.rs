//! `veravox doctor`: what is in use.

use std::io::Write;

use serde_json::json;
use veravox::manifest::Manifest;
use veravox::runtime::Provider;
use veravox::{Detector, Thresholds};

use crate::args::{Doctor, Setup};
use crate::exit::{Exit, Outcome};

pub fn run(arguments: &Doctor, setup: &Setup) -> Outcome {
    let runtime = setup.start_runtime()?;
    let detector = setup.detector()?;
    let library = runtime.library().map(|path| path.display().to_string());
    let folder = setup.model.as_ref().filter(|model| !Detector::is_builtin(model));
    let place = folder.map_or_else(|| "built in".to_owned(), |folder| folder.display().to_string());
    let providers: Vec<_> =
        Provider::ALL.into_iter().filter(|provider| runtime.loads(*provider).is_ok()).map(Provider::as_str).collect();
    let mut out = anstream::stdout().lock();
    if arguments.json {
        let models: Vec<_> = detector
            .manifests()
            .chain(detector.second())
            .map(|manifest| {
                json!({
                    "name": manifest.name,
                    "version": manifest.version,
                    "sha256": manifest.onnx.sha256,
                    "place": place,
                    "sample_rate_hz": manifest.input.sample_rate_hz,
                    "thresholds": detector.thresholds(manifest.input.sample_rate_hz),
                })
            })
            .collect();
        let facts = json!({
            "veravox": env!("CARGO_PKG_VERSION"),
            "runtime": { "name": runtime.name(), "version": runtime.version(), "library": library, "note": runtime.note() },
            "providers": providers,
            "models": models,
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
        });
        writeln!(out, "{facts:#}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "veravox     {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "runtime     {runtime}{}", library.map_or_else(String::new, |l| format!(" from {l}")))?;
    if let Some(note) = runtime.note() {
        writeln!(out, "            {note}")?;
    }
    let of_it = if providers.is_empty() { "none loads here".to_owned() } else { providers.join(", ") };
    writeln!(out, "providers   {of_it}{}", if runtime.providers().is_empty() { "; the CPU computes" } else { "" })?;
    // The second model of a cascade comes last.
    for manifest in detector.manifests().chain(detector.second()) {
        describe(&mut out, manifest, &detector.thresholds(manifest.input.sample_rate_hz), &place)?;
    }
    Ok(Exit::Done)
}

fn describe(out: &mut impl Write, manifest: &Manifest, thresholds: &Thresholds, place: &str) -> std::io::Result<()> {
    let seconds = |samples: usize| samples as f64 / f64::from(manifest.input.sample_rate_hz);
    writeln!(out, "model       {} {} ({place})", manifest.name, manifest.version)?;
    writeln!(out, "            {}", manifest.description)?;
    writeln!(out, "            SHA-256 {}", manifest.onnx.sha256)?;
    writeln!(
        out,
        "input       {} Hz, windows of {} s every {} s of speech, at least {} s of speech",
        manifest.input.sample_rate_hz,
        seconds(manifest.input.window_samples),
        seconds(manifest.input.hop_samples),
        seconds(manifest.input.min_speech_samples)
    )?;
    writeln!(
        out,
        "decision    synthetic from llr {:+.2}, bona fide to llr {:+.2}, probability at prior {}",
        thresholds.synthetic_llr, thresholds.bonafide_llr, thresholds.prior
    )?;
    // The rest stands in the model's card.
    for figure in manifest.figures.iter().take(3) {
        writeln!(
            out,
            "measured    {} {:.1} [{:.1}, {:.1}] on {}, {} ({} bona fide, {} spoof)",
            figure.metric,
            figure.value,
            figure.low,
            figure.high,
            figure.set,
            figure.condition,
            figure.n_bonafide,
            figure.n_spoof
        )?;
    }
    Ok(())
}
