//! One leg of a call, and which of the models that its rate can hold is the one for it.
//!
//! A telephone call stays one at whatever rate it is stored or sent. So a leg that has a choice of models goes by all of
//! them at first: each has the whole of the audio, and none is scored. The band of the first seconds of speech says which of
//! them goes on, as if it had been alone from the start; the others are dropped. The choice is made once.

mod ear;
mod event;
mod hearing;
mod opinions;
mod options;
pub mod stream;
mod track;
mod windows;

use std::sync::Arc;

use crate::error::Result;
use crate::features::Frames;
use crate::model::{Fate, Model, RawScore, Second};
use crate::site::Rules;
use crate::verdict::report::{Because, LegVerdict, RunningVerdict};
use crate::voice::conditions::{Judged, Texture};
use crate::voice::window::{Place, Window};
use event::Event;
use hearing::Hearing;
pub(crate) use hearing::{MAX_BLOCK_SAMPLES, Ready};
use options::StreamOptions;
use track::Track;

/// A model that a leg may be scored by, and how its windows are judged.
pub(crate) struct Candidate {
    pub model: Arc<Model>,
    pub rules: Rules,
}

/// The models that the rate of a leg can hold the band of, with the reason where there is but one.
pub(crate) struct Candidates {
    pub widest: Candidate,
    /// From wide to narrow.
    pub narrower: Vec<Candidate>,
    pub because: Because,
}

impl Candidates {
    pub fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        std::iter::once(&self.widest).chain(&self.narrower).map(|candidate| &candidate.model)
    }
}

pub(crate) struct Leg {
    /// That of the model that was chosen; of the widest as long as none is.
    track: Track,
    /// Those of the others, from wide to narrow, as long as none is chosen.
    narrower: Vec<Track>,
    /// Samples that wait for a whole block: so a choice falls at the same sample however the audio is cut.
    waiting: Vec<f32>,
    because: Because,
}

impl Leg {
    pub fn new(candidates: Candidates, sample_rate_hz: u32, options: &StreamOptions) -> Result<Self> {
        Self::remembering(candidates, sample_rate_hz, options, 0.0)
    }

    /// A leg whose windows can be scored until so many more seconds of speech came after them.
    pub fn remembering(
        candidates: Candidates,
        sample_rate_hz: u32,
        options: &StreamOptions,
        seconds_behind: f64,
    ) -> Result<Self> {
        let open = |Candidate { model, rules }| Track::new(model, rules, sample_rate_hz, options, seconds_behind);
        let Candidates { widest, narrower, because } = candidates;
        let mut track = open(widest)?;
        let mut narrower: Vec<Track> = narrower.into_iter().map(open).collect::<Result<_>>()?;
        let rates: Vec<u32> = narrower.iter().map(|track| track.hearing.model_rate_hz()).collect();
        let wider = std::iter::once(&mut track).chain(&mut narrower);
        wider.zip(rates).for_each(|(track, narrower_rate_hz)| track.hearing.listen_to_band(narrower_rate_hz));
        if narrower.is_empty() {
            track.choose()?;
        }
        Ok(Self { track, narrower, waiting: Vec::new(), because })
    }

    pub fn model(&self) -> &Arc<Model> {
        self.track.model()
    }

    pub fn rules(&self) -> &Rules {
        self.track.rules()
    }

    pub fn source_rate_hz(&self) -> u32 {
        self.track.hearing.source_rate_hz()
    }

    /// Takes at most [`MAX_BLOCK_SAMPLES`] samples.
    pub fn push(&mut self, block: impl ExactSizeIterator<Item = f32>) -> Result<()> {
        if !self.is_open() {
            return self.track.hearing.push(block);
        }
        for sample in block {
            self.waiting.push(sample);
            if self.is_open() && self.waiting.len() == MAX_BLOCK_SAMPLES {
                self.pass_on()?;
            }
        }
        if !self.is_open() {
            // The choice fell within the block.
            let rest = std::mem::take(&mut self.waiting);
            self.track.hearing.push(rest.into_iter())?;
        }
        Ok(())
    }

    /// Samples that were pushed as something else than numbers, and stand as zeros.
    pub fn count_invalid(&mut self, n_samples: usize) {
        self.all().for_each(|track| track.hearing.count_invalid(n_samples));
    }

    /// Audio that never came.
    pub fn lose(&mut self, n_samples: u64) -> Result<()> {
        self.befall(|hearing| hearing.lose(n_samples))
    }

    /// Audio that the other side did not send since it was silent.
    pub fn be_silent(&mut self, n_samples: u64) -> Result<()> {
        self.befall(|hearing| hearing.be_silent(n_samples))
    }

    /// The call is on hold: until it resumes, audio is not listened to.
    pub fn hold(&mut self) -> Result<()> {
        self.befall(Hearing::hold)
    }

    pub fn resume(&mut self) -> Result<()> {
        self.befall(Hearing::resume)
    }

    /// The source goes on at another rate.
    pub fn change_rate(&mut self, sample_rate_hz: u32) -> Result<()> {
        self.befall(|hearing| hearing.change_rate(sample_rate_hz))
    }

    /// The leg ends: the windows of what is left.
    pub fn finish(&mut self) -> Result<()> {
        self.befall(Hearing::finish)?;
        if self.is_open() {
            self.choose()?;
        }
        Ok(())
    }

    /// Hands over the oldest window that is ready. It can be looked at until more than half a second of speech came after it.
    pub fn next_ready(&mut self) -> Option<Ready> {
        if self.is_open() { None } else { self.track.hearing.next_ready() }
    }

    /// As [`Hearing::window`].
    pub fn window(&mut self, ready: &Ready) -> Option<(Window<'_>, Option<&mut Frames>)> {
        self.track.hearing.window(ready)
    }

    /// As [`Hearing::speech`].
    pub fn speech(&self, ready: &Ready) -> Option<(Vec<f32>, u32)> {
        self.track.hearing.speech(ready)
    }

    /// As [`Track::asks`].
    pub fn asks(&mut self, window: &Judged, raw: RawScore) -> Option<Arc<Second>> {
        self.track.asks(window, raw)
    }

    /// As [`Track::goes_without`].
    pub fn goes_without(&mut self, fate: Fate) {
        self.track.goes_without(fate);
    }

    /// Judges the sound of a window that is ready.
    pub fn judge(&mut self, ready: &Ready, texture: &Texture) -> Judged {
        self.track.hearing.judge(ready, texture)
    }

    /// A window was not scored, since there was no time for it.
    pub fn shed(&mut self, place: &Place) {
        self.track.shed(place);
    }

    /// A window was not scored, since a newer one is ready.
    pub fn replace(&mut self, place: &Place) {
        self.track.replace(place);
    }

    /// Takes the score of a window, in the order in which they were completed, with that of a cascade's second model where it heard it.
    pub fn take(&mut self, window: Judged, raw: RawScore, second: Option<RawScore>, events: &mut impl FnMut(Event)) {
        self.track.take(window, raw, second, events);
    }

    /// The verdict as if the leg ended now.
    pub fn verdict(&self) -> RunningVerdict {
        self.track.verdict()
    }

    /// The verdict on a leg that is finished, whose windows and changes it hands over.
    pub fn end(&mut self) -> LegVerdict {
        self.track.end(self.because)
    }

    /// Whether the model is still to be chosen.
    fn is_open(&self) -> bool {
        !self.narrower.is_empty()
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Track> {
        std::iter::once(&mut self.track).chain(&mut self.narrower)
    }

    /// Runs what waits through every track.
    fn pass_on(&mut self) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.all().try_for_each(|track| track.hearing.push(waiting.iter().copied()))?;
        waiting.clear();
        self.waiting = waiting;
        self.choose_if_told()
    }

    /// What happens to the leg after the samples so far.
    fn befall(&mut self, what: impl Fn(&mut Hearing) -> Result<()>) -> Result<()> {
        if !self.waiting.is_empty() {
            self.pass_on()?;
        }
        self.all().try_for_each(|track| what(&mut track.hearing))?;
        self.choose_if_told()
    }

    /// Chooses once the band is known, or once a window is ready, which cannot wait.
    fn choose_if_told(&mut self) -> Result<()> {
        let told = self.track.hearing.ear().is_some_and(|ear| ear.is_wide().is_some());
        if self.is_open() && (told || self.all().any(|track| track.hearing.is_ready())) {
            self.choose()?;
        }
        Ok(())
    }

    /// The widest model above whose next narrower there is sound; without a voice the widest.
    fn choose(&mut self) -> Result<()> {
        let heard = self.all().map(|track| track.hearing.ear().and_then(ear::Ear::is_wide_so_far));
        let heard: Vec<Option<bool>> = heard.collect();
        let is_silent = heard.first().copied().flatten().is_none();
        self.because = if is_silent { Because::NoVoice } else { Because::Band };
        // One that has no ear is the narrowest.
        let chosen = heard.iter().position(|wide| is_silent || wide.is_none_or(|wide| wide)).unwrap_or_default();
        let narrower = std::mem::take(&mut self.narrower);
        if let Some(track) = chosen.checked_sub(1).and_then(|n| narrower.into_iter().nth(n)) {
            self.track = track;
        }
        // What it takes to listen in blocks is not needed any more.
        self.waiting = Vec::new();
        self.track.choose()
    }
}

#[cfg(test)]
mod tests;
