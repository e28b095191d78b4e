//! What one model knows of a leg: the way from samples to windows, and from their scores to a verdict. What stands between,
//! scoring the windows that are ready, is left to the owner: a [`Stream`](crate::Stream) does it at once, an
//! [`Engine`](crate::engine::Engine) in batches with those of other legs.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ear::Ear;
use super::event::Event;
use super::opinions::{self, Opinions};
use super::options::StreamOptions;
use crate::audio::decode::Limits;
use crate::audio::resample::Resampler;
use crate::error::Result;
use crate::features::Frames;
use crate::model::calibrate::probability;
use crate::model::{Fate, Model, RawScore, Second};
use crate::site::Rules;
use crate::verdict::decide::{Decision, Reason, WindowScore, suspicious_stretches};
use crate::verdict::policy::SequentialTest;
use crate::verdict::report::{
    Because, Change, Interruptions, LegModel, LegVerdict, ModelSummary, RunningVerdict, Segment, Stage, WindowReport,
};
use crate::voice::conditions::{Conditions, Heard, Judged, Texture};
use crate::voice::gate::{Frame, FrameSink, HELD_SECONDS, SpeechGate};
use crate::voice::window::{Cut, Place, Window, Windower};

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
/// Changes of the voice that a verdict lists; of more the oldest are forgotten.
const MAX_CHANGES: usize = 64;

/// A window that was completed and waits to be scored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub cut: Cut,
    heard: Heard,
}

/// A window with its score.
#[derive(Debug, Clone, Copy)]
struct Scored {
    score: WindowScore,
    reason: Option<Reason>,
    by_second: bool,
}

pub(crate) struct Track {
    model: Arc<Model>,
    source_rate_hz: u32,
    rules: Rules,
    conditions: Conditions,
    resampler: Resampler,
    gate: SpeechGate,
    windower: Windower,
    /// Samples of speech that windows can be read for after they were completed, besides a block of the resampler's.
    slack: usize,
    /// Windows that nobody took yet, oldest first.
    ready: VecDeque<Ready>,
    /// The frames of the windows so far, and of which speech they are; none before the model is [chosen](Self::choose).
    frames: Option<(Frames, u64)>,
    /// Listens to the band of the voice, where there is a choice of models.
    ear: Option<Box<Ear>>,
    test: SequentialTest,
    history: VecDeque<Scored>,
    max_history: usize,
    changes: VecDeque<Change>,
    firm_at: Option<u64>,
    first_look_taken: bool,
    announced: (Stage, Decision, Vec<Reason>),
    opinions: Opinions,
    /// Whether a window was scored by a model that is not calibrated.
    uncalibrated: bool,
    /// Share of a window that windows which were not scored would have brought; the next window holds that speech too.
    shed_share: f32,
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

impl Track {
    /// Its windows can be scored until `seconds_behind` more seconds of speech came after them.
    pub fn new(
        model: Arc<Model>,
        rules: Rules,
        sample_rate_hz: u32,
        options: &StreamOptions,
        seconds_behind: f64,
    ) -> Result<Self> {
        Limits::default().check_sample_rate(sample_rate_hz)?;
        options.check()?;
        let manifest = model.manifest();
        let input = &manifest.input;
        let samples_of = |seconds: f64| (seconds * f64::from(input.sample_rate_hz)) as u64;
        let hop = options.update_seconds.map_or(input.hop_samples as u64, samples_of);
        let resampler = Resampler::new(sample_rate_hz, input.sample_rate_hz)?;
        let slack = samples_of(SLACK_SECONDS + seconds_behind) as usize;
        Ok(Self {
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
            test: SequentialTest::new(rules.thresholds, manifest.calibration.correlation),
            rules,
            history: VecDeque::new(),
            max_history: options.max_windows_kept,
            changes: VecDeque::new(),
            firm_at: None,
            first_look_taken: false,
            announced: (Stage::Listening, Decision::Inconclusive, Vec::new()),
            opinions: Opinions::default(),
            uncalibrated: false,
            shed_share: 0.0,
            interruptions: Interruptions::default(),
            n_lost: 0,
            n_held: 0,
            lost_in_a_row: 0,
            held: None,
            samples: Vec::new(),
            resampled: Vec::new(),
            model,
        })
    }

    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    pub fn model_rate_hz(&self) -> u32 {
        self.model.manifest().input.sample_rate_hz
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Listens to the band of the voice, for what lies above that of a model for `narrower_rate_hz`.
    pub fn listen_to_band(&mut self, narrower_rate_hz: u32) {
        self.ear = Ear::new(self.model_rate_hz(), narrower_rate_hz).map(Box::new);
    }

    pub fn ear(&self) -> Option<&Ear> {
        self.ear.as_deref()
    }

    /// Its windows are going to be scored.
    pub fn choose(&mut self) -> Result<()> {
        self.frames = self.model.frames()?.map(|frames| (frames, 0));
        Ok(())
    }

    /// Whether a window waits.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub fn source_rate_hz(&self) -> u32 {
        self.source_rate_hz
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
            self.pass(|gate, _, sink| {
                gate.skip(gap, sink);
                Ok(())
            })?;
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
            self.pass(|gate, _, sink| {
                gate.skip(rest, sink);
                Ok(())
            })?;
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
        self.pass(|gate, _, sink| {
            gate.skip(gap, sink);
            Ok(())
        })
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
        let whole = n_samples == self.model.manifest().input.window_samples;
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
        let input = &self.model.manifest().input;
        let mut speech = vec![0.0; ready.cut.n_samples.min(input.window_samples)];
        self.windower.window(ready.cut)?.read(&mut speech);
        Some((speech, input.sample_rate_hz))
    }

    /// Judges the sound of a window that is ready.
    pub fn judge(&mut self, ready: &Ready, texture: &Texture) -> Judged {
        Judged { place: ready.cut.place, reason: self.conditions.judge(texture, ready.heard) }
    }

    /// A window was not scored, since there was no time for it.
    pub fn shed(&mut self, place: &Place) {
        self.interruptions.shed_windows += 1;
        self.pass_over(place);
    }

    /// A window was not scored, since a newer one is ready.
    pub fn replace(&mut self, place: &Place) {
        self.interruptions.replaced_windows += 1;
        self.pass_over(place);
    }

    fn pass_over(&mut self, place: &Place) {
        self.shed_share += if place.first_look { 0.0 } else { place.fresh_share };
    }

    /// The second model of a cascade, where it is to hear this window, which the first has scored.
    pub fn asks(&mut self, window: &Judged, raw: RawScore) -> Option<Arc<Second>> {
        if window.place.first_look || window.reason.is_some() {
            return None;
        }
        let (llr, novel) = opinions::read(&self.rules, &self.model, raw, false);
        self.opinions.ask(&self.rules, llr, novel)
    }

    /// The second model will not hear the window that it was asked about; the first model's score stands.
    pub fn goes_without(&mut self, fate: Fate) {
        self.opinions.go_without(&self.rules, fate);
    }

    /// Takes the score of a window, in the order in which they were completed; where the second model of a cascade heard it as well,
    /// its score in place of the first's.
    pub fn take(&mut self, window: Judged, raw: RawScore, second: Option<RawScore>, events: &mut impl FnMut(Event)) {
        let Judged { place, mut reason } = window;
        let by_second = second.is_some();
        let (llr, novel) = opinions::read(&self.rules, &self.model, second.unwrap_or(raw), by_second);
        let llr = llr as f32;
        if by_second {
            self.opinions.answered(&self.rules);
        }
        if !opinions::is_calibrated(&self.rules, &self.model, by_second) {
            self.uncalibrated = true;
            reason = reason.or(Some(Reason::Uncalibrated));
        }
        let fresh_share = if place.first_look {
            place.fresh_share
        } else {
            (place.fresh_share + std::mem::take(&mut self.shed_share)).min(1.0)
        };
        let score = WindowScore { start: place.start, end: place.end, fresh_share, llr, novel };
        if place.first_look {
            self.first_look_taken = true;
            self.test.push_doubtful(&score);
        } else {
            if std::mem::take(&mut self.first_look_taken) {
                self.test.drop_doubtful();
            }
            let scored = Scored { score, reason, by_second };
            self.count(scored);
            events(Event::Window(self.window_report(&scored)));
        }
        self.announce(events);
    }

    fn count(&mut self, scored: Scored) {
        let Scored { score, reason, by_second } = &scored;
        if self.history.len() >= self.max_history.max(1) {
            self.history.pop_front();
        }
        self.history.push_back(scored);
        if reason.is_some() {
            self.test.push_doubtful(score);
            return;
        }
        let turn = self.test.push(score);
        self.opinions.count(f64::from(score.fresh_share), *by_second, turn.is_some_and(|turn| turn.changed));
        let Some(turn) = turn else { return };
        if turn.changed {
            if self.changes.len() >= MAX_CHANGES {
                self.changes.pop_front();
            }
            self.changes.push_back(Change { at_seconds: self.seconds(turn.since), decision: turn.decision });
        } else {
            self.firm_at = Some(score.end);
        }
    }

    fn announce(&mut self, events: &mut impl FnMut(Event)) {
        let verdict = self.verdict();
        let now = (verdict.stage, verdict.decision, verdict.reasons.clone());
        if now != self.announced {
            self.announced = now;
            events(Event::Verdict(verdict));
        }
    }

    /// The verdict as if the leg ended now.
    pub fn verdict(&self) -> RunningVerdict {
        let against = self.conditions.reasons(self.test.n_windows());
        let (mut decision, mut reasons) = self.test.decision();
        if reasons == [Reason::TooLittleSpeech] && self.interruptions.shed_windows > 0 {
            reasons = vec![Reason::NotScored];
        }
        if !against.is_empty() {
            let unlike = reasons.contains(&Reason::UnlikeTraining);
            (decision, reasons) = (Decision::Inconclusive, against);
            reasons.extend(unlike.then_some(Reason::UnlikeTraining));
        }
        if self.uncalibrated {
            // Of the reasons by scores none means anything.
            reasons.retain(|reason| !matches!(reason, Reason::Undecided | Reason::MixedVoices));
            (decision, reasons) = (Decision::Inconclusive, reasons);
            reasons.push(Reason::Uncalibrated);
        }
        let llr = self.test.llr();
        RunningVerdict {
            stage: match (llr, self.test.firm()) {
                (None, _) => Stage::Listening,
                (Some(_), None) => Stage::Provisional,
                (Some(_), Some(_)) if self.changes.is_empty() => Stage::Firm,
                (Some(_), Some(_)) => Stage::Changed,
            },
            decision,
            llr,
            probability: llr.filter(|_| !self.uncalibrated).map(|llr| probability(llr, self.rules.thresholds.prior)),
            speech_seconds: self.seconds(self.windower.speech()),
            reasons,
            given_by: self.opinions.given_by(&self.rules, &self.model),
            thresholds: self.frames.as_ref().map(|_| self.rules.thresholds),
        }
    }

    /// The verdict on a leg that is finished, whose windows and changes it hands over.
    pub fn end(&mut self, because: Because) -> LegVerdict {
        let verdict = self.verdict();
        let RunningVerdict { stage, decision, llr, probability, speech_seconds, reasons, given_by, .. } = verdict;
        let counted: Vec<WindowScore> =
            self.history.iter().filter(|scored| scored.reason.is_none()).map(|scored| scored.score).collect();
        let segments = suspicious_stretches(&counted, &self.rules.thresholds)
            .iter()
            .map(|s| Segment { start_seconds: self.seconds(s.start), end_seconds: self.seconds(s.end), llr: s.llr })
            .collect();
        let people_above = self.rules.site.as_ref().zip(llr).and_then(|(site, llr)| site.people_above(llr));
        let windows = self.history.iter().map(|scored| self.window_report(scored)).collect();
        LegVerdict {
            leg: 0,
            stage,
            decision,
            llr,
            probability,
            people_above,
            speech_seconds,
            reasons,
            firm_at_seconds: self.firm_at.map(|at| self.seconds(at)),
            changes: std::mem::take(&mut self.changes).into(),
            windows,
            segments,
            interruptions: self.interruptions(),
            notes: self.notes(),
            given_by,
            second: self.opinions.report(&self.rules),
            model: Some(LegModel {
                summary: ModelSummary::of(self.model.manifest()),
                because,
                thresholds: self.rules.thresholds,
            }),
            signal: Some(self.conditions.signal()),
            stream: None,
        }
    }

    fn notes(&self) -> Vec<String> {
        let manifest = self.model.manifest();
        let turned = self.ear().and_then(Ear::turned_narrow_at).map(|at| {
            let seconds = self.seconds(at);
            format!(
                "from {seconds:.0} s on the voice has a narrower band than the model {} was made for: scan that part by itself",
                manifest.name
            )
        });
        self.conditions.notes().into_iter().chain(turned).collect()
    }

    fn window_report(&self, scored: &Scored) -> WindowReport {
        let Scored { score: window, reason, by_second } = *scored;
        WindowReport {
            start_seconds: self.seconds(window.start),
            end_seconds: self.seconds(window.end),
            llr: f64::from(window.llr),
            fresh_share: f64::from(window.fresh_share),
            reason,
            by_second,
        }
    }

    fn interruptions(&self) -> Interruptions {
        Interruptions {
            lost_seconds: self.interruptions.lost_seconds + self.source_seconds(self.n_lost),
            held_seconds: self.interruptions.held_seconds + self.source_seconds(self.n_held),
            ..self.interruptions
        }
    }

    fn new_resampler(&self) -> Result<Resampler> {
        Resampler::new(self.source_rate_hz, self.model.manifest().input.sample_rate_hz)
    }

    fn seconds(&self, n_samples: u64) -> f64 {
        n_samples as f64 / f64::from(self.model.manifest().input.sample_rate_hz)
    }

    fn source_seconds(&self, n_samples: u64) -> f64 {
        n_samples as f64 / f64::from(self.source_rate_hz)
    }

    fn at_model_rate(&self, n_samples: u64) -> u64 {
        let (from, to) = (u128::from(self.source_rate_hz), u128::from(self.model.manifest().input.sample_rate_hz));
        u64::try_from((u128::from(n_samples) * to + from / 2) / from.max(1)).unwrap_or(u64::MAX)
    }
}
