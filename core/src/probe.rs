//! What came in: container, codec and rate, and of each leg what its signal is like. Nothing is scored.

use serde::{Deserialize, Serialize};

use crate::audio::decode::{AudioReader, Gap, StreamSummary};
use crate::audio::resample::{Resampler, holds_band};
use crate::detector::Progress;
use crate::error::{Error, ErrorKind, Result};
use crate::verdict::report::{AudioSummary, SignalSummary};
use crate::voice::conditions::Conditions;
use crate::voice::gate::{Frame, FrameClass, SpeechGate};
use crate::voice::likeness::Likeness;

/// The version of the form of [`Probe`] as JSON.
pub const PROBE_SCHEMA_VERSION: u32 = 1;

/// Rates at which a voice is listened for.
const NARROW_HZ: u32 = 8_000;
const WIDE_HZ: u32 = 16_000;
/// Samples that are taken at a time.
const BLOCK: usize = 4_096;

/// What a recording or capture is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// [`PROBE_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What the audio is.
    pub audio: AudioSummary,
    /// What was wrong with it and could be read past.
    pub warnings: Vec<String>,
    /// Its legs.
    pub legs: Vec<LegProbe>,
}

/// What a leg is like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegProbe {
    /// Index of the leg, from 0: the channel.
    pub leg: usize,
    /// Seconds of voice.
    pub speech_seconds: f64,
    /// What is measured of its signal.
    pub signal: SignalSummary,
    /// Seconds of audio that were sent and never came; of a file none.
    pub lost_seconds: f64,
    /// What is odd about it, in words.
    pub notes: Vec<String>,
    /// The stream of a capture that it is; none of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamSummary>,
}

/// Listens to one leg.
struct Ear {
    rate_hz: u32,
    gate_rate_hz: u32,
    resampler: Resampler,
    gate: SpeechGate,
    conditions: Conditions,
    n_voice: u64,
    n_lost: u64,
    clean: Vec<f32>,
    resampled: Vec<f32>,
}

impl Ear {
    fn new(rate_hz: u32) -> Result<Self> {
        let gate_rate_hz = if holds_band(rate_hz, WIDE_HZ) { WIDE_HZ } else { NARROW_HZ };
        Ok(Self {
            rate_hz,
            gate_rate_hz,
            resampler: Resampler::new(rate_hz, gate_rate_hz)?,
            gate: SpeechGate::new(gate_rate_hz)?,
            conditions: Conditions::new(rate_hz, gate_rate_hz, gate_rate_hz),
            n_voice: 0,
            n_lost: 0,
            clean: Vec::new(),
            resampled: Vec::new(),
        })
    }

    fn push(&mut self, samples: &[f32]) -> Result<()> {
        for block in samples.chunks(BLOCK) {
            self.clean.clear();
            self.clean.extend(block.iter().map(|v| if v.is_finite() { v.clamp(-1.0, 1.0) } else { 0.0 }));
            let n_invalid = block.iter().filter(|v| !v.is_finite()).count();
            self.conditions.count(&self.clean, n_invalid);
            self.resampled.clear();
            self.resampler.push(&self.clean, &mut self.resampled)?;
            let Self { gate, conditions, n_voice, resampled, .. } = self;
            gate.push(resampled, &mut |frame| hear(&frame, conditions, n_voice))?;
        }
        Ok(())
    }

    fn miss(&mut self, gap: Gap) {
        if let Gap::Lost(n) = gap {
            self.n_lost = self.n_lost.saturating_add(n);
        }
        let Self { gate, conditions, n_voice, .. } = self;
        // Where a frame stands does not matter here.
        gate.skip(0, &mut |frame| hear(&frame, conditions, n_voice));
    }

    fn finish(mut self, leg: usize) -> Result<LegProbe> {
        self.resampled.clear();
        self.resampler.finish(&mut self.resampled)?;
        let Self { gate, conditions, n_voice, resampled, .. } = &mut self;
        gate.push(resampled, &mut |frame| hear(&frame, conditions, n_voice))?;
        gate.finish(&mut |frame| hear(&frame, conditions, n_voice))?;
        Ok(LegProbe {
            leg,
            speech_seconds: self.n_voice as f64 / f64::from(self.gate_rate_hz),
            signal: self.conditions.signal(),
            lost_seconds: self.n_lost as f64 / f64::from(self.rate_hz),
            notes: self.conditions.notes(),
            stream: None,
        })
    }
}

fn hear(frame: &Frame<'_>, conditions: &mut Conditions, n_voice: &mut u64) {
    conditions.observe(frame);
    if frame.class == FrameClass::Voice {
        *n_voice += frame.samples.len() as u64;
    }
}

/// Says what the audio of a reader is. `progress` is told after each chunk how far it is, and ends it by returning `false`.
///
/// ```
/// use veravox::decode::{AudioReader, DecodeOptions};
/// use veravox::probe::probe;
///
/// let call = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/formats/clip.pcm_s16.48000hz.wav");
/// let found = probe(&mut AudioReader::open(call.as_ref(), &DecodeOptions::default())?, &mut |_| true)?;
/// assert_eq!((found.audio.sample_rate_hz, found.legs[0].signal.upsampled_from_hz), (48_000, Some(8_000)));
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
/// [`Cancelled`](ErrorKind::Cancelled) when `progress` said so, and those of [`AudioReader::next_chunk`].
pub fn probe(reader: &mut AudioReader, progress: &mut dyn FnMut(Progress) -> bool) -> Result<Probe> {
    let info = reader.info().clone();
    let rate = f64::from(info.sample_rate_hz);
    let total_seconds = info.declared_samples.map(|n| n as f64 / rate);
    let mut ears: Vec<Ear> = reader.legs().iter().map(|(rate_hz, _)| Ear::new(*rate_hz)).collect::<Result<_>>()?;
    let mut likeness = Likeness::new(info.channels, info.sample_rate_hz);
    while let Some(chunk) = reader.next_chunk()? {
        for (leg, gap) in &chunk.gaps {
            if let Some(ear) = ears.get_mut(*leg) {
                ear.miss(*gap);
            }
        }
        for (ear, samples) in ears.iter_mut().zip(&chunk.channels) {
            ear.push(samples)?;
        }
        likeness.push(&chunk.channels);
        if !progress(Progress { read_seconds: reader.samples_read() as f64 / rate, total_seconds }) {
            return Err(Error::new(ErrorKind::Cancelled, "the probe was stopped"));
        }
    }
    let mut streams = reader.streams().into_iter();
    let mut legs = Vec::new();
    for (leg, ear) in ears.into_iter().enumerate() {
        let mut found = LegProbe { stream: streams.next(), ..ear.finish(leg)? };
        found.notes.extend(likeness.notes(leg));
        legs.push(found);
    }
    Ok(Probe {
        schema_version: PROBE_SCHEMA_VERSION,
        audio: AudioSummary::of(&info, reader.samples_read() as f64 / rate),
        warnings: reader.warnings().to_vec(),
        legs,
    })
}
