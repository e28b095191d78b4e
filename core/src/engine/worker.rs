//! The worker's side: legs that it owns, and the batches in which their windows are scored.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rtrb::{Consumer, Producer};

use super::live_leg::{Line, Mark, What};
use super::stats::Counters;
use crate::error::{Error, ErrorKind, Result};
use crate::leg::stream::{Event, Sample as _};
use crate::leg::{Leg, MAX_BLOCK_SAMPLES};
use crate::model::{Model, RawScore, Scorer};
use crate::verdict::report::ErrorReport;
use crate::voice::conditions::{Conditions, Judged};
use crate::voice::window::Window;

/// How often a worker looks at its legs.
const PERIOD: Duration = Duration::from_millis(5);
/// How long a window waits for others to be scored with.
const LINGER: Duration = Duration::from_millis(10);

/// What a worker is told.
pub(super) enum Message {
    /// A leg, and what scores its model where the worker has none for it yet.
    Open(Box<Slot>, Option<(Arc<Model>, Box<dyn ScoreWindows>)>),
    Stop,
}

/// Scores windows in batches. A trait so that tests can have one that is slow, broken or panics.
pub(super) trait ScoreWindows: Send {
    /// Adds a window to the batch.
    fn listen(&mut self, window: &Window<'_>, conditions: &mut Conditions) -> Result<Judged>;
    /// The scores of the batch, in order; the next one begins.
    fn scores(&mut self) -> Vec<Result<RawScore>>;
    /// Windows that are scored together at most.
    fn most(&self) -> usize;
}

/// A real model's.
pub(super) struct ModelScorer {
    model: Arc<Model>,
    scorer: Scorer,
    most: usize,
}

impl ModelScorer {
    pub fn new(model: Arc<Model>, batch: usize) -> Result<Self> {
        let most = if batch > 1 && model.scores_batches()? { batch } else { 1 };
        Ok(Self { scorer: model.scorer()?, most, model })
    }
}

impl ScoreWindows for ModelScorer {
    fn listen(&mut self, window: &Window<'_>, conditions: &mut Conditions) -> Result<Judged> {
        self.scorer.listen(window, conditions)
    }

    fn scores(&mut self) -> Vec<Result<RawScore>> {
        let scores = self.scorer.scores(self.model.manifest(), self.most);
        self.scorer.clear();
        scores
    }

    fn most(&self) -> usize {
        self.most
    }
}

pub(super) type MakeScorer = dyn Fn(&Arc<Model>, usize) -> Result<Box<dyn ScoreWindows>> + Send + Sync;

/// A leg, its rings and what is still to be told of it.
pub(super) struct Slot {
    leg: Leg,
    audio: Consumer<i16>,
    marks: Consumer<Mark>,
    events: Producer<Event>,
    line: Arc<Line>,
    n_heard: u64,
    /// Seconds of audio.
    shed_from: f64,
    /// What found no room among the events and must not be lost: the newest verdict, or the last word.
    untold: Option<Event>,
    missed_events: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// All audio was heard; windows of it may be in a batch.
    Finished,
    /// The last word is said or waits to be.
    Over,
}

impl Slot {
    pub fn new(
        leg: Leg,
        audio: Consumer<i16>,
        marks: Consumer<Mark>,
        events: Producer<Event>,
        line: Arc<Line>,
        shed_from: f64,
    ) -> Self {
        Self {
            leg,
            audio,
            marks,
            events,
            line,
            n_heard: 0,
            shed_from,
            untold: None,
            missed_events: 0,
            state: State::Open,
        }
    }

    fn tell(&mut self, event: Event) {
        // One that waits goes first.
        let unsaid = if self.tell_untold() {
            self.events.push(event).err().map(|rtrb::PushError::Full(event)| event)
        } else {
            Some(event)
        };
        match unsaid {
            None => {}
            Some(Event::Window(_)) => self.missed_events += 1,
            Some(important) => self.untold = Some(important),
        }
    }

    fn tell_untold(&mut self) -> bool {
        if let Some(event) = self.untold.take()
            && let Err(rtrb::PushError::Full(event)) = self.events.push(event)
        {
            self.untold = Some(event);
        }
        self.untold.is_none()
    }

    fn fail(&mut self, error: &Error) {
        self.state = State::Over;
        self.tell(Event::Failed(ErrorReport { kind: error.kind().as_str().to_owned(), message: error.to_string() }));
    }

    /// Given up by its caller, or over with nothing left to tell.
    fn is_gone(&mut self) -> bool {
        self.events.is_abandoned() || (self.state == State::Over && self.tell_untold())
    }

    /// Whether there is anything to hear, or the end.
    fn has_news(&self) -> bool {
        !self.audio.is_empty() || !self.marks.is_empty() || self.line.ended.load(Ordering::Relaxed)
    }

    /// Runs what lies in the ring through the leg.
    fn hear(&mut self, batch: &mut Batch) -> Result<()> {
        // Looked at before the ring: what was pushed before the end was said is in it by then.
        let ended = self.line.ended.load(Ordering::Acquire);
        let n_waiting = self.audio.slots();
        let firm = self.leg.firm().is_some();
        let rate = f64::from(self.leg.source_rate_hz());
        let shed = n_waiting as f64 / rate >= if firm { self.shed_from / 2.0 } else { self.shed_from };
        let until = self.n_heard + n_waiting as u64;
        while self.state == State::Open {
            let mark = self.marks.peek().ok().copied().filter(|mark| mark.at <= until);
            let next = mark.map_or(until, |mark| mark.at);
            let late = Duration::from_secs_f64((until - self.n_heard) as f64 / rate);
            if next > self.n_heard {
                let n = ((next - self.n_heard) as usize).min(MAX_BLOCK_SAMPLES);
                let Ok(chunk) = self.audio.read_chunk(n) else { break };
                let behind = late.saturating_sub(Duration::from_secs_f64(n as f64 / rate));
                let (first, second) = chunk.as_slices();
                for samples in [first, second] {
                    let samples = samples.iter().map(|sample| sample.to_f32());
                    self.leg.push(samples, &mut |window, conditions| batch.add(&window, conditions, shed, behind))?;
                }
                chunk.commit_all();
                self.n_heard += n as u64;
                continue;
            }
            let Some(mark) = mark else { break };
            // It was looked at a moment ago.
            let _ = self.marks.pop();
            self.befall(mark.what, &mut |window, conditions| batch.add(&window, conditions, shed, late))?;
        }
        if ended && self.state == State::Open && self.n_heard == until && self.marks.is_empty() {
            let scoring: &mut crate::leg::Scoring<'_> =
                &mut |window, conditions| batch.add(&window, conditions, false, Duration::ZERO);
            self.leg.count_invalid(self.line.invalid_at_end.load(Ordering::Relaxed) as usize);
            self.leg.lose(self.line.lost_at_end.load(Ordering::Relaxed), scoring)?;
            self.leg.finish(scoring)?;
            self.state = State::Finished;
        }
        Ok(())
    }

    fn befall(&mut self, what: What, scoring: &mut crate::leg::Scoring<'_>) -> Result<()> {
        match what {
            What::Lost(n) => self.leg.lose(n, scoring),
            What::Silence(n) => self.leg.be_silent(n, scoring),
            What::Held(true) => self.leg.hold(scoring),
            What::Held(false) => self.leg.resume(scoring),
            What::Rate(rate) => self.leg.change_rate(rate, scoring),
            What::Invalid(n) => {
                self.leg.count_invalid(n as usize);
                Ok(())
            }
        }
    }
}

/// A window that waits for its score.
struct Waiting {
    slot: usize,
    judged: Judged,
    /// When its last audio was spoken.
    spoken: Instant,
}

/// The windows of one model that are scored together.
struct Batch {
    model: Arc<Model>,
    scorer: Box<dyn ScoreWindows>,
    waiting: Vec<Waiting>,
    slot: usize,
    n_shed: u64,
    shed_share: f32,
}

impl Batch {
    fn new(model: Arc<Model>, scorer: Box<dyn ScoreWindows>) -> Self {
        Self { model, scorer, waiting: Vec::new(), slot: 0, n_shed: 0, shed_share: 0.0 }
    }

    fn add(&mut self, window: &Window<'_>, conditions: &mut Conditions, shed: bool, behind: Duration) -> Result<()> {
        if shed {
            self.n_shed += 1;
            self.shed_share += if window.place.first_look { 0.0 } else { window.place.fresh_share };
            conditions.heard_window();
            return Ok(());
        }
        let judged = self.scorer.listen(window, conditions)?;
        let now = Instant::now();
        self.waiting.push(Waiting { slot: self.slot, judged, spoken: now.checked_sub(behind).unwrap_or(now) });
        Ok(())
    }
}

pub(super) struct Worker {
    inbox: Receiver<Message>,
    counters: Arc<Counters>,
    n_legs: Arc<AtomicUsize>,
    batch: usize,
    make_scorer: Arc<MakeScorer>,
    slots: Vec<Slot>,
    batches: Vec<Batch>,
}

impl Worker {
    pub fn new(
        inbox: Receiver<Message>,
        counters: Arc<Counters>,
        n_legs: Arc<AtomicUsize>,
        batch: usize,
        make_scorer: Arc<MakeScorer>,
    ) -> Self {
        Self { inbox, counters, n_legs, batch, make_scorer, slots: Vec::new(), batches: Vec::new() }
    }

    /// Works until it is told to stop or the engine is gone.
    pub fn run(&mut self) {
        let mut next_sweep = Instant::now();
        loop {
            let message = if self.slots.is_empty() {
                self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.inbox.recv_timeout(next_sweep.saturating_duration_since(Instant::now()))
            };
            match message {
                Ok(Message::Open(slot, scorer)) => {
                    self.slots.push(*slot);
                    if let Some((model, scorer)) = scorer {
                        self.batches.push(Batch::new(model, scorer));
                    }
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    // A worker that has time left rests; one that has none goes on at once.
                    next_sweep = Instant::now() + PERIOD;
                    self.sweep();
                }
            }
        }
        self.leave(self.slots.len());
    }

    /// Looks at each leg once, and scores what is ready.
    fn sweep(&mut self) {
        for index in 0..self.slots.len() {
            self.visit(index);
        }
        for batch in 0..self.batches.len() {
            let oldest = self.batches.get(batch).and_then(|b| b.waiting.first()).map(|w| w.spoken.elapsed());
            if oldest.is_some_and(|age| age >= LINGER) {
                self.score(batch);
            }
        }
        self.end_finished();
        self.forget_gone();
    }

    fn visit(&mut self, index: usize) {
        let Some(slot) = self.slots.get(index).filter(|slot| slot.state == State::Open && slot.has_news()) else {
            return;
        };
        let batch = match self.batch_of(slot.leg.model()) {
            Some(batch) => batch,
            None => match self.new_batch(Arc::clone(slot.leg.model())) {
                Ok(batch) => batch,
                Err(error) => return self.fail(index, &error),
            },
        };
        let (Some(slot), Some(of_model)) = (self.slots.get_mut(index), self.batches.get_mut(batch)) else { return };
        of_model.slot = index;
        let heard = catch_unwind(AssertUnwindSafe(|| slot.hear(of_model)));
        let (n_shed, share) = (std::mem::take(&mut of_model.n_shed), std::mem::take(&mut of_model.shed_share));
        if n_shed > 0 {
            slot.leg.shed(n_shed, share);
            self.counters.shed_windows.fetch_add(n_shed, Ordering::Relaxed);
        }
        let full = of_model.waiting.len() >= of_model.scorer.most();
        match heard {
            Ok(Ok(())) if full => self.score(batch),
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.fail(index, &error),
            Err(_) => {
                let model = Arc::clone(&of_model.model);
                self.fail(index, &panicked());
                // The windows of other legs have done nothing wrong.
                self.score(batch);
                self.abandon(&model);
            }
        }
    }

    fn batch_of(&self, model: &Arc<Model>) -> Option<usize> {
        self.batches.iter().position(|batch| Arc::ptr_eq(&batch.model, model))
    }

    /// A batch in place of one that a panic took.
    fn new_batch(&mut self, model: Arc<Model>) -> Result<usize> {
        let made = catch_unwind(AssertUnwindSafe(|| (self.make_scorer)(&model, self.batch)));
        let scorer = made.unwrap_or_else(|_| Err(panicked()))?;
        self.batches.push(Batch::new(model, scorer));
        Ok(self.batches.len() - 1)
    }

    /// Scores what waits, and tells each leg.
    fn score(&mut self, batch: usize) {
        let Some(of_model) = self.batches.get_mut(batch) else { return };
        let Ok(scores) = catch_unwind(AssertUnwindSafe(|| of_model.scorer.scores())) else {
            // Which window it was cannot be told; those that were scored with it are lost to their legs.
            let model = Arc::clone(&of_model.model);
            return self.abandon(&model);
        };
        let missing = || Err(Error::new(ErrorKind::Runtime, "the model gave no score"));
        let mut scores = scores.into_iter();
        for Waiting { slot: index, judged, spoken } in std::mem::take(&mut of_model.waiting) {
            let score = scores.next().unwrap_or_else(missing);
            let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.state != State::Over) else { continue };
            match score {
                Ok(raw) => {
                    self.counters.scored(spoken.elapsed());
                    let mut news = Vec::new();
                    let taken = catch_unwind(AssertUnwindSafe(|| {
                        slot.leg.take(judged, raw, &mut |event| news.push(event));
                    }));
                    for event in news {
                        slot.tell(event);
                    }
                    if taken.is_err() {
                        self.fail(index, &panicked());
                    }
                }
                Err(error) => self.fail(index, &error),
            }
        }
    }

    /// After a panic: what waits in the batch is shed, and its scorer, which may be in pieces, is made anew when needed.
    fn abandon(&mut self, model: &Arc<Model>) {
        let Some(batch) = self.batch_of(model) else { return };
        for waiting in self.batches.swap_remove(batch).waiting {
            if let Some(slot) = self.slots.get_mut(waiting.slot) {
                slot.leg.shed(1, waiting.judged.place.fresh_share);
                self.counters.shed_windows.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn fail(&mut self, index: usize, error: &Error) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.fail(error);
            self.counters.failed_legs.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives legs whose windows are all scored their verdict.
    fn end_finished(&mut self) {
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.state == State::Finished) else { continue };
            if self.batches.iter().any(|batch| batch.waiting.iter().any(|w| w.slot == index)) {
                continue;
            }
            slot.state = State::Over;
            let verdict = slot.leg.end();
            slot.tell(Event::Ended(Box::new(verdict)));
        }
    }

    fn forget_gone(&mut self) {
        let mut index = 0;
        let mut n_gone = 0;
        while let Some(slot) = self.slots.get_mut(index) {
            let missed = std::mem::take(&mut slot.missed_events);
            if missed > 0 {
                self.counters.missed_events.fetch_add(missed, Ordering::Relaxed);
            }
            if !slot.is_gone() {
                index += 1;
                continue;
            }
            n_gone += 1;
            self.slots.swap_remove(index);
            // The last leg has moved here; its windows move along, those of the one that is gone are nobody's.
            let moved = self.slots.len();
            for batch in &mut self.batches {
                for waiting in &mut batch.waiting {
                    if waiting.slot == index {
                        waiting.slot = usize::MAX;
                    } else if waiting.slot == moved {
                        waiting.slot = index;
                    }
                }
            }
        }
        self.leave(n_gone);
    }

    fn leave(&self, n_legs: usize) {
        self.n_legs.fetch_sub(n_legs, Ordering::Relaxed);
        self.counters.legs.fetch_sub(n_legs, Ordering::AcqRel);
    }
}

fn panicked() -> Error {
    Error::new(ErrorKind::Runtime, "a worker panicked over this leg's audio; please report it")
}
