//! From the samples of a leg to windows of speech for one model, and what befell it on the way: losses, silence that was not sent,
//! holds, changes of rate.

use std::collections::VecDeque;

use super::ear::Ear;
use super::options::StreamOptions;
use crate::audio::decode::Limits;
use crate::audio::resample::Resampler;
use crate::error::Result;
use crate::features::Frames;
use crate::model::manifest::Manifest;
use crate::verdict::decide::Reason;
use crate::verdict::report::{Interruptions, SignalSummary};
use crate::voice::conditions::{Conditions, Heard, Judged, Texture};
use crate::voice::gate::{Frame, FrameSink, HELD_SECONDS, SpeechGate};
use crate::voice::window::{Cut, Window, Windower};

/// Samples that are taken at a time: a whole call in one push needs no more memory than live audio does.
pub(crate) const MAX_BLOCK_SAMPLES: usize = 256;
/// Lost audio up to this long is filled with silence, as a receiver without concealment does: such holes are in the training
/// data. Over a longer one nothing is spliced: what comes after it is not scored together with what came before.
const MAX_FILLED_SECONDS: f64 = 0.1;
/// Silence of which nothing is left in filters and gate after this long; the rest of it need not be looked at.
const SETTLED_SECONDS: f64 = 0.5;
/// Windows can be scored until so much speech came after them: more than comes by one push or from one silence, which may bring
/// with it what waited in the gate.
pub(super) const SLACK_SECONDS: f64 = 0.5 + HELD_SECONDS;
/// A window that was completed and waits to be scored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub cut: Cut,
    heard: Heard,
}

pub(crate) struct Hearing {
    model_rate_hz: u32,
    window_samples: usize,
    source_rate_hz: u32,
    conditions: Conditions,
    resampler: Resampler,
    gate: SpeechGate,
    windower: Windower,
    /// Samples of speech that windows can be read for after they were completed, besides a block of the resampler's.
    slack: usize,
    /// Windows that nobody took yet, oldest first.
    ready: VecDeque<Ready>,
    /// The frames of the windows so far, and of which speech they are, where the model [shares](Self::share) them.
    frames: Option<(Frames, u64)>,
    /// Listens to the band of the voice, where there is a choice of models.
    ear: Option<Box<Ear>>,
    interruptions: Interruptions,
    /// Samples at the source's present rate that are not in `interruptions` yet, so that sums do not hang on the pieces.
    n_lost: u64,
    n_held: u64,
    /// Samples lost since the last that came.
    lost_in_a_row: u64,
    /// Samples since the hold began.
    held: Option<u64>,
    samples: Vec<f32>,
    resampled: Vec<f32>,
}

impl Hearing {
    /// Its windows can be scored until `seconds_behind` more seconds of speech came after them.
    pub fn new(manifest: &Manifest, sample_rate_hz: u32, options: &StreamOptions, seconds_behind: f64) -> Result<Self> {
        Limits::default().check_sample_rate(sample_rate_hz)?;
        options.check()?;
        let input = &manifest.input;
        let samples_of = |seconds: f64| (seconds * f64::from(input.sample_rate_hz)) as u64;
        let hop = options.update_seconds.map_or(input.hop_samples as u64, samples_of);
        let resampler = Resampler::new(sample_rate_hz, input.sample_rate_hz)?;
        let slack = samples_of(SLACK_SECONDS + seconds_behind) as usize;
        Ok(Self {
            model_rate_hz: input.sample_rate_hz,
            window_samples: input.window_samples,
            source_rate_hz: sample_rate_hz,
            conditions: Conditions::new(sample_rate_hz, input.sample_rate_hz, input.least_rate_hz()),
            gate: SpeechGate::new(input.sample_rate_hz)?,
            windower: Windower::new(
                input.window_samples,
                hop,
                input.min_speech_samples,
                options.first_look_seconds.map(samples_of),
                slack + resampler.most_out(),
            ),
            resampler,
            slack,
            ready: VecDeque::new(),
            frames: None,
            ear: None,
            interruptions: Interruptions::default(),
            n_lost: 0,
            n_held: 0,
            lost_in_a_row: 0,
            held: None,
            samples: Vec::new(),
            resampled: Vec::new(),
        })
    }

    pub fn model_rate_hz(&self) -> u32 {
        self.model_rate_hz
    }

    pub fn source_rate_hz(&self) -> u32 {
        self.source_rate_hz
    }

    /// Listens to the band of the voice, for what lies above that of a model for `narrower_rate_hz`.
    pub fn listen_to_band(&mut self, narrower_rate_hz: u32) {
        self.ear = Ear::new(self.model_rate_hz(), narrower_rate_hz).map(Box::new);
    }

    pub fn ear(&self) -> Option<&Ear> {
        self.ear.as_deref()
    }

    /// Windows that follow each other share their frames from now on.
    pub fn share(&mut self, frames: Option<Frames>) {
        self.frames = frames.map(|frames| (frames, 0));
    }

    /// Whether a window waits.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes at most [`MAX_BLOCK_SAMPLES`] samples.
    pub fn push(&mut self, block: impl ExactSizeIterator<Item = f32>) -> Result<()> {
        if self.passes_on_hold(block.len() as u64) {
            return Ok(());
        }
        self.lost_in_a_row = 0;
        self.samples.clear();
        let mut n_invalid = 0;
        for value in block {
            n_invalid += usize::from(!value.is_finite());
            self.samples.push(if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 });
        }
        self.conditions.count(&self.samples, n_invalid);
        self.resampled.clear();
        self.resampler.push(&self.samples, &mut self.resampled)?;
        self.pass(|gate, resampled, sink| gate.push(resampled, sink))
    }

    /// Samples that were pushed as something else than numbers, and stand as zeros.
    pub fn count_invalid(&mut self, n_samples: usize) {
        if self.held.is_none() {
            self.conditions.count(&[], n_samples);
        }
    }

    /// Audio that never came.
    pub fn lose(&mut self, n_samples: u64) -> Result<()> {
        if self.passes_on_hold(n_samples) {
            return Ok(());
        }
        self.n_lost = self.n_lost.saturating_add(n_samples);
        let (before, now) = (self.lost_in_a_row, self.lost_in_a_row.saturating_add(n_samples));
        let fits = |n: u64| self.source_seconds(n) <= MAX_FILLED_SECONDS;
        if fits(now) {
            self.push_silence(n_samples)?;
        } else if fits(before) {
            self.break_off(n_samples)?;
        } else {
            // Nothing came since the break.
            let gap = self.at_model_rate(now) - self.at_model_rate(before);
            self.skip(gap)?;
        }
        self.lost_in_a_row = now;
        Ok(())
    }

    /// Audio that the other side did not send since it was silent.
    pub fn be_silent(&mut self, n_samples: u64) -> Result<()> {
        if self.passes_on_hold(n_samples) {
            return Ok(());
        }
        let settled = n_samples.min((SETTLED_SECONDS * f64::from(self.source_rate_hz)) as u64);
        self.push_silence(settled)?;
        let rest = self.at_model_rate(n_samples - settled);
        if rest > 0 {
            self.skip(rest)?;
        }
        Ok(())
    }

    /// The call is on hold: until it resumes, audio is not listened to.
    pub fn hold(&mut self) -> Result<()> {
        if self.held.is_none() {
            self.break_off(0)?;
            self.held = Some(0);
        }
        Ok(())
    }

    pub fn resume(&mut self) -> Result<()> {
        let Some(n_held) = self.held.take() else { return Ok(()) };
        let gap = self.at_model_rate(n_held);
        self.skip(gap)
    }

    /// Whether the call is on hold, where these samples are only time that passes.
    fn passes_on_hold(&mut self, n_samples: u64) -> bool {
        let Some(n_held) = &mut self.held else { return false };
        *n_held = n_held.saturating_add(n_samples);
        self.n_held = self.n_held.saturating_add(n_samples);
        true
    }

    /// The source goes on at another rate.
    pub fn change_rate(&mut self, sample_rate_hz: u32) -> Result<()> {
        Limits::default().check_sample_rate(sample_rate_hz)?;
        if sample_rate_hz != self.source_rate_hz {
            let on_hold = self.held.is_some();
            self.resume()?;
            self.break_off(0)?;
            self.held = on_hold.then_some(0);
            self.interruptions = self.interruptions();
            (self.n_lost, self.n_held, self.lost_in_a_row) = (0, 0, 0);
            self.source_rate_hz = sample_rate_hz;
            self.conditions.change_rate(sample_rate_hz);
            self.resampler = self.new_resampler()?;
            // Rates without a common divisor come in blocks as long as a second.
            let most_out = self.resampler.most_out();
            self.windower.widen(self.slack + most_out);
        }
        Ok(())
    }

    /// The leg ends: the windows of what is left.
    pub fn finish(&mut self) -> Result<()> {
        if self.held.is_some() { Ok(()) } else { self.break_off(0) }
    }

    /// Ends what was heard so far and goes on `n_samples` later with nothing of it left in any filter or window.
    fn break_off(&mut self, n_samples: u64) -> Result<()> {
        self.resampled.clear();
        self.resampler.finish(&mut self.resampled)?;
        self.resampler = self.new_resampler()?;
        let gap = self.at_model_rate(n_samples);
        self.pass(|gate, resampled, sink| {
            gate.push(resampled, sink)?;
            gate.restart(gap, sink)
        })?;
        let Self { windower, conditions, ready, .. } = self;
        windower.break_off(&mut |cut| ready.push_back(Ready { heard: conditions.heard(&cut.place), cut }));
        Ok(())
    }

    /// Passes over samples at the model's rate that need not be looked at.
    fn skip(&mut self, n_samples: u64) -> Result<()> {
        self.pass(|gate, _, sink| {
            gate.skip(n_samples, sink);
            Ok(())
        })
    }

    fn push_silence(&mut self, n_samples: u64) -> Result<()> {
        let mut rest = n_samples;
        while rest > 0 {
            let now = rest.min(MAX_BLOCK_SAMPLES as u64) as usize;
            self.push(std::iter::repeat_n(0.0, now))?;
            rest -= now as u64;
        }
        Ok(())
    }

    /// Runs `through` the gate; its frames go to conditions and windower.
    fn pass(&mut self, through: impl FnOnce(&mut SpeechGate, &[f32], &mut FrameSink<'_>) -> Result<()>) -> Result<()> {
        let Self { gate, conditions, windower, ready, resampled, ear, .. } = self;
        through(gate, resampled, &mut |frame: Frame<'_>| {
            conditions.observe(&frame);
            if let Some(ear) = ear {
                ear.hear(&frame);
            }
            windower.push(&frame, &mut |cut| ready.push_back(Ready { heard: conditions.heard(&cut.place), cut }));
        })
    }

    /// Hands over the oldest window that is ready. It can be looked at until more than half a second of speech came after it.
    pub fn next_ready(&mut self) -> Option<Ready> {
        self.ready.pop_front()
    }

    /// The samples of a window that is ready, and the frames that windows before it hold as well, where it shares them. None
    /// where it was left too long.
    pub fn window(&mut self, ready: &Ready) -> Option<(Window<'_>, Option<&mut Frames>)> {
        let window = self.windower.window(ready.cut)?;
        let Cut { speech, n_samples, .. } = ready.cut;
        // Of less speech than a window, which is repeated, no frame but its first is one of the stream's.
        let whole = n_samples == self.window_samples;
        let frames = self.frames.as_mut().filter(|_| whole).map(|(frames, of_speech)| {
            if *of_speech != speech {
                frames.clear();
                *of_speech = speech;
            }
            frames
        });
        Some((window, frames))
    }

    /// The speech of a window that is ready, and its rate; of less than a window as much as there is.
    pub fn speech(&self, ready: &Ready) -> Option<(Vec<f32>, u32)> {
        let mut speech = vec![0.0; ready.cut.n_samples.min(self.window_samples)];
        self.windower.window(ready.cut)?.read(&mut speech);
        Some((speech, self.model_rate_hz))
    }

    /// Judges the sound of a window that is ready.
    pub fn judge(&mut self, ready: &Ready, texture: &Texture) -> Judged {
        Judged { place: ready.cut.place, reason: self.conditions.judge(texture, ready.heard) }
    }

    /// A window was not scored, since there was no time for it.
    pub fn count_shed(&mut self) {
        self.interruptions.shed_windows += 1;
    }

    /// A window was not scored, since a newer one is ready.
    pub fn count_replaced(&mut self) {
        self.interruptions.replaced_windows += 1;
    }

    /// What speaks against a verdict, where windows' worth of so much speech counts.
    pub fn reasons(&self, n_windows: f64) -> Vec<Reason> {
        self.conditions.reasons(n_windows)
    }

    /// What the sound was like.
    pub fn signal(&self) -> SignalSummary {
        self.conditions.signal()
    }

    /// What a person should know of the sound. `model` is the name of the one that the leg is heard for.
    pub fn notes(&self, model: &str) -> Vec<String> {
        let turned = self.ear().and_then(Ear::turned_narrow_at).map(|at| {
            let seconds = self.seconds(at);
            format!(
                "from {seconds:.0} s on the voice has a narrower band than the model {model} was made for: scan that part by itself"
            )
        });
        self.conditions.notes().into_iter().chain(turned).collect()
    }

    /// Seconds of speech so far.
    pub fn speech_seconds(&self) -> f64 {
        self.seconds(self.windower.speech())
    }

    /// What befell the leg so far.
    pub fn interruptions(&self) -> Interruptions {
        Interruptions {
            lost_seconds: self.interruptions.lost_seconds + self.source_seconds(self.n_lost),
            held_seconds: self.interruptions.held_seconds + self.source_seconds(self.n_held),
            ..self.interruptions
        }
    }

    fn new_resampler(&self) -> Result<Resampler> {
        Resampler::new(self.source_rate_hz, self.model_rate_hz)
    }

    /// Where a position at the model's rate lies.
    pub fn seconds(&self, n_samples: u64) -> f64 {
        n_samples as f64 / f64::from(self.model_rate_hz)
    }

    fn source_seconds(&self, n_samples: u64) -> f64 {
        n_samples as f64 / f64::from(self.source_rate_hz)
    }

    fn at_model_rate(&self, n_samples: u64) -> u64 {
        let (from, to) = (u128::from(self.source_rate_hz), u128::from(self.model_rate_hz));
        u64::try_from((u128::from(n_samples) * to + from / 2) / from.max(1)).unwrap_or(u64::MAX)
    }
}
