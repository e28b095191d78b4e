//! What is measurable of a leg's signal without a model, beside the ranges of people and machines.

mod pauses;
mod pitch;
mod spectrum;

use std::collections::BTreeMap;

use serde::Serialize;

pub(super) use spectrum::Spectra;

use super::reference::Range;

/// A measure of the signal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// Its name, as in the JSON form.
    pub name: &'static str,
    /// Its name, for people.
    pub title: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The value; none where there is too little to measure it on.
    pub value: Option<f64>,
    /// What it says, in a sentence.
    pub words: &'static str,
    /// Where the method or the finding comes from.
    pub source: &'static str,
    /// People and machines of the reference.
    pub range: Option<Range>,
}

/// The measures of a leg.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Signal {
    /// All of them.
    pub measures: Vec<Measure>,
}

const JITTER: &str = "Boersma, Praat: jitter (local); Farrús, Hernando, Ejarque, Interspeech 2007";
const SILENCE: &str = "Müller, Dieckmann, Czempin, Canals, Böttinger, Williams: Speech is silver, silence is golden, ASVspoof 2021 workshop";
const UPSAMPLING: &str = "Pons, Pascual, Cengarle, Serrà: Upsampling artifacts in neural audio synthesis, ICASSP 2021";

/// Name, title, unit, value, words and source of a measure.
type Row = (&'static str, &'static str, &'static str, Option<f64>, &'static str, &'static str);

/// Measures a leg at the model's rate.
pub(super) fn measured(samples: &[f32], sample_rate_hz: u32, ranges: Option<&BTreeMap<String, Range>>) -> Signal {
    let pitch = pitch::measure(samples, sample_rate_hz);
    let spectrum = spectrum::measure(samples, sample_rate_hz);
    let pauses = pauses::measure(samples, sample_rate_hz);
    let rows: [Row; 9] = [
        (
            "jitter_percent",
            "pitch jitter",
            "%",
            pitch.as_ref().map(|p| 100.0 * p.jitter),
            "How much the length of the glottal cycles changes from one to the next. A machine can be too regular, and a bad line makes it rise. It comes out smaller here than by Praat; compare it with the ranges beside it alone.",
            JITTER,
        ),
        (
            "shimmer_percent",
            "pitch shimmer",
            "%",
            pitch.as_ref().map(|p| 100.0 * p.shimmer),
            "How much the height of the cycles changes from one to the next.",
            JITTER,
        ),
        (
            "pitch_hz",
            "median pitch",
            "Hz",
            pitch.as_ref().map(|p| p.median_hz),
            "The pitch of the voice. It says nothing of machine or person; jitter and shimmer depend on it.",
            JITTER,
        ),
        (
            "pitch_spread_semitones",
            "spread of pitch",
            "semitones",
            pitch.as_ref().map(|p| p.spread_semitones),
            "How far the pitch moves, from the 10th to the 90th of a hundred cycles. Flat reading is narrow, lively speech wide.",
            JITTER,
        ),
        (
            "band_edge_hz",
            "upper edge of the band",
            "Hz",
            spectrum.as_ref().map(|s| s.edge_hz),
            "Above it next to nothing is left. A lower edge than the line has means another codec, or a voice made at a lower rate, somewhere before.",
            UPSAMPLING,
        ),
        (
            "mirror",
            "mirror images",
            "correlation",
            spectrum.as_ref().map(|s| s.mirror),
            "How far the sound above a frequency is the mirror of that below it, at the frequency where it is most: what plain upsampling leaves.",
            UPSAMPLING,
        ),
        (
            "noise_floor_dbfs",
            "noise floor",
            "dB of full scale",
            pauses.as_ref().map(|p| p.floor_dbfs),
            "The level of the quietest twentieth. Rooms and lines are never quite silent; a machine's pauses often are.",
            SILENCE,
        ),
        (
            "digital_silence_percent",
            "digital silence",
            "%",
            pauses.as_ref().map(|p| 100.0 * p.silent_share),
            "Time in which every sample is the same. A gate or a phone system makes it as well as a machine.",
            SILENCE,
        ),
        (
            "pause_spread_db",
            "unrest of the pauses",
            "dB",
            pauses.as_ref().map(|p| p.spread_db),
            "How much the level moves within the pauses: breath, clothes and rooms move it.",
            SILENCE,
        ),
    ];
    let measure = |(name, title, unit, value, words, source): Row| Measure {
        name,
        title,
        unit,
        value: value.filter(|value| value.is_finite()),
        words,
        source,
        range: ranges.and_then(|ranges| ranges.get(name)).copied(),
    };
    Signal { measures: rows.into_iter().map(measure).collect() }
}
