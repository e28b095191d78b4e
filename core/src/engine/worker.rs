//! A worker: the legs that it owns, and the queue in which their windows wait.
//!
//! Every few milliseconds it listens to what came to its legs, which is cheap. The windows that this completes wait in one queue
//! by the time at which their speech was spoken, and the rest of the time goes into scoring them, the oldest first, as many
//! together as are there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use super::desk::{Answer, Desk, Number, Question, panicked};
use super::scoring::{MakeScorer, ScoreWindows};
use super::slot::{Scored, SecondScore, Slot, State, Waiting};
use super::stats::Counters;
use crate::error::{Error, ErrorKind, Result};
use crate::leg::Ready;
use crate::model::{Fate, Model, RawScore, Threads};
use crate::voice::conditions::Judged;

/// How often a worker looks at its legs.
const PERIOD: Duration = Duration::from_millis(5);

/// What a worker is told.
pub(super) enum Message {
    /// A leg, and what scores the models that it may have where the worker has none for them yet.
    Open(Box<Slot>, Vec<OfModel>),
    Stop,
}

/// A model and what scores its windows.
pub(super) type OfModel = (Arc<Model>, Box<dyn ScoreWindows>);

/// A window that was listened to.
struct Heard {
    index: usize,
    judged: Judged,
    ready: Ready,
    /// When its last audio was spoken.
    spoken: Instant,
}

pub(super) struct Worker {
    inbox: Receiver<Message>,
    counters: Arc<Counters>,
    n_legs: Arc<AtomicUsize>,
    batch: usize,
    shed_after: Duration,
    make_scorer: Arc<MakeScorer>,
    threads: Threads,
    slots: Vec<Slot>,
    scorers: Vec<OfModel>,
    /// Slots whose windows wait, the oldest first.
    queue: Vec<(Instant, usize)>,
    /// Where the second model of a cascade is asked, and where its answers come.
    desk: Option<Desk>,
    answers: (Sender<Answer>, Receiver<Answer>),
    n_opened: u64,
}

impl Worker {
    pub fn new(
        inbox: Receiver<Message>,
        counters: Arc<Counters>,
        n_legs: Arc<AtomicUsize>,
        batch: usize,
        shed_after: Duration,
        make_scorer: Arc<MakeScorer>,
        threads: Threads,
    ) -> Self {
        Self {
            inbox,
            counters,
            n_legs,
            batch,
            shed_after,
            make_scorer,
            threads,
            slots: Vec::new(),
            scorers: Vec::new(),
            queue: Vec::new(),
            desk: None,
            answers: channel(),
            n_opened: 0,
        }
    }

    /// The same, with where the second model of a cascade is asked.
    pub fn with_desk(mut self, desk: Option<Desk>) -> Self {
        self.desk = desk;
        self
    }

    /// Works until it is told to stop or the engine is gone, where the runtime does: it waits for no other thread.
    pub fn run(mut self) {
        let threads = self.threads.clone();
        threads.run(move || self.work());
    }

    fn work(&mut self) {
        while self.read_messages() {
            let next_look = Instant::now() + PERIOD;
            self.listen();
            while !self.queue.is_empty() && Instant::now() < next_look {
                self.score_oldest();
            }
            self.take_answers();
            self.settle();
            self.end_finished();
            self.forget_gone();
            // A worker that has time left rests; one that has none goes on at once.
            std::thread::sleep(next_look.saturating_duration_since(Instant::now()));
        }
        self.answer_all();
    }

    /// Says whether to go on.
    fn read_messages(&mut self) -> bool {
        loop {
            let message = if self.slots.is_empty() {
                self.inbox.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                self.inbox.try_recv()
            };
            match message {
                Ok(Message::Open(mut slot, scorers)) => {
                    self.n_opened += 1;
                    slot.number = self.n_opened;
                    self.slots.push(*slot);
                    self.scorers.extend(scorers);
                }
                Ok(Message::Stop) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    /// Hears what came to each leg, and puts those in the queue whose windows wait.
    fn listen(&mut self) {
        let started = Instant::now();
        self.queue.clear();
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(index) else { continue };
            if slot.has_news() {
                match catch_unwind(AssertUnwindSafe(|| slot.hear())) {
                    Ok(Ok(0)) => {}
                    Ok(Ok(n_replaced)) => {
                        self.counters.replaced_windows.fetch_add(n_replaced, Ordering::Relaxed);
                    }
                    Ok(Err(error)) => self.fail(index, &error),
                    Err(_) => self.fail(index, &panicked()),
                }
            }
            if let Some(Waiting { spoken, .. }) = self.slots.get(index).and_then(|slot| slot.waiting.front()) {
                self.queue.push((*spoken, index));
            }
        }
        self.queue.sort_unstable();
        Counters::spend(&self.counters.hearing, started);
    }

    /// Scores the window at the head of the queue, together with others of the same model.
    fn score_oldest(&mut self) {
        let started = Instant::now();
        let model =
            self.queue.first().and_then(|(_, index)| self.slots.get(*index)).map(|slot| Arc::clone(slot.leg.model()));
        let Some(model) = model else { return self.queue.clear() };
        let (model, mut scorer) = match self.scorer_of(model) {
            Ok(of_model) => of_model,
            Err((model, error)) => {
                // Whoever else waits for this model is told by its own turn.
                let index = self.take_from_queue(&model);
                return index.map_or((), |index| self.fail(index, &error));
            }
        };
        let mut heard: Vec<Heard> = Vec::new();
        let mut is_whole = true;
        while is_whole && heard.len() < scorer.most() {
            let Some(index) = self.take_from_queue(&model) else { break };
            let Some(Waiting { ready, spoken }) = self.slots.get_mut(index).and_then(|slot| slot.waiting.pop_front())
            else {
                continue;
            };
            let Some(slot) = self.slots.get_mut(index) else { continue };
            let listened = if spoken.elapsed() > self.shed_after {
                Ok(Ok(None))
            } else {
                catch_unwind(AssertUnwindSafe(|| {
                    let Some((window, frames)) = slot.leg.window(&ready) else { return Ok(None) };
                    scorer.listen(&window, frames)?;
                    Ok(Some(slot.leg.judge(&ready, scorer.texture())))
                }))
            };
            match listened {
                Ok(Ok(Some(judged))) => heard.push(Heard { index, judged, ready, spoken }),
                Ok(Ok(None)) => {
                    slot.leg.shed(&ready.cut.place);
                    self.counters.shed_windows.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Err(error)) => self.fail(index, &error),
                Err(_) => {
                    // What scores may be in pieces. The windows of other legs have done nothing wrong.
                    self.fail(index, &panicked());
                    is_whole = false;
                }
            }
        }
        if !heard.is_empty() {
            if let Ok(scores) = catch_unwind(AssertUnwindSafe(|| scorer.scores())) {
                self.take_scores(heard, scores);
            } else {
                // Which window it was cannot be told; those that were scored with it are lost to their legs.
                self.give_up(heard);
                is_whole = false;
            }
        }
        if is_whole {
            self.scorers.push((model, scorer));
        }
        Counters::spend(&self.counters.scoring, started);
    }

    /// The scorer of a model, for a while; in place of one that a panic took a new one.
    fn scorer_of(&mut self, model: Arc<Model>) -> std::result::Result<OfModel, (Arc<Model>, Error)> {
        if let Some(known) = self.scorers.iter().position(|(known, _)| Arc::ptr_eq(known, &model)) {
            return Ok(self.scorers.swap_remove(known));
        }
        let made = catch_unwind(AssertUnwindSafe(|| (self.make_scorer)(&model, self.batch, &self.threads)));
        match made.unwrap_or_else(|_| Err(panicked())) {
            Ok(scorer) => Ok((model, scorer)),
            Err(error) => Err((model, error)),
        }
    }

    /// The oldest slot in the queue with this model.
    fn take_from_queue(&mut self, model: &Arc<Model>) -> Option<usize> {
        let slots = &self.slots;
        let has_it =
            |(_, index): &(Instant, usize)| slots.get(*index).is_some_and(|slot| Arc::ptr_eq(slot.leg.model(), model));
        let place = self.queue.iter().position(has_it)?;
        Some(self.queue.remove(place).1)
    }

    fn take_scores(&mut self, heard: Vec<Heard>, scores: Vec<Result<RawScore>>) {
        let missing = || Err(Error::new(ErrorKind::Runtime, "the model gave no score"));
        let mut scores = scores.into_iter();
        for heard in heard {
            let score = scores.next().unwrap_or_else(missing);
            let index = heard.index;
            let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.state != State::Over) else { continue };
            match score {
                Ok(raw) => {
                    self.counters.scored(heard.spoken.elapsed());
                    let (desk, answer) = (self.desk.as_ref(), &self.answers.0);
                    let taken = catch_unwind(AssertUnwindSafe(|| {
                        let second = ask(slot, &heard, raw, desk, answer);
                        slot.add(Scored { judged: heard.judged, raw, second });
                        slot.settle(Some(Instant::now()));
                    }));
                    if taken.is_err() {
                        self.fail(index, &panicked());
                    }
                }
                Err(error) => self.fail(index, &error),
            }
        }
    }

    /// Takes what the second model says of windows that it was asked about.
    fn take_answers(&mut self) {
        while let Ok((Number { slot, window }, score)) = self.answers.1.try_recv() {
            let Some(index) = self.slots.iter().position(|known| known.number == slot) else { continue };
            let Some(asked) = self.slots.get_mut(index) else { continue };
            match score {
                Ok(score) => asked.answer(window, score),
                Err(error) => self.fail(index, &error),
            }
        }
    }

    /// Hands the legs the windows whose second score came, or is not waited for any more.
    fn settle(&mut self) {
        if self.desk.is_none() {
            return;
        }
        let now = Instant::now();
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(index) else { continue };
            if catch_unwind(AssertUnwindSafe(|| slot.settle(Some(now)))).is_err() {
                self.fail(index, &panicked());
            }
        }
    }

    /// After a panic.
    fn give_up(&mut self, heard: Vec<Heard>) {
        for Heard { index, judged, .. } in heard {
            if let Some(slot) = self.slots.get_mut(index) {
                slot.leg.shed(&judged.place);
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
        for slot in &mut self.slots {
            if slot.state == State::Finished && slot.is_settled() {
                slot.end();
            }
        }
    }

    fn forget_gone(&mut self) {
        let n_before = self.slots.len();
        for slot in &mut self.slots {
            let missed = slot.take_missed_events();
            if missed > 0 {
                self.counters.missed_events.fetch_add(missed, Ordering::Relaxed);
            }
        }
        self.slots.retain_mut(|slot| !slot.is_gone());
        self.leave(n_before - self.slots.len());
    }

    /// The end: a leg whose audio was all heard gets the verdict on what was scored, any other is told that it was stopped.
    fn answer_all(&mut self) {
        // Those that were opened a moment ago are answered as well.
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Open(slot, _) = message {
                self.slots.push(*slot);
            }
        }
        let stopped = Error::new(ErrorKind::Cancelled, "the engine was stopped before the leg ended");
        for slot in &mut self.slots {
            match slot.state {
                State::Over => {}
                State::Finished => {
                    while let Some(Waiting { ready, .. }) = slot.waiting.pop_front() {
                        slot.leg.shed(&ready.cut.place);
                        self.counters.shed_windows.fetch_add(1, Ordering::Relaxed);
                    }
                    slot.settle(None);
                    slot.end();
                }
                State::Open => slot.fail(&stopped),
            }
            // What found no room has none any more: the caller learns from the ring that nobody is there.
            slot.is_gone();
        }
        self.leave(self.slots.len());
        self.slots.clear();
    }

    fn leave(&self, n_legs: usize) {
        self.n_legs.fetch_sub(n_legs, Ordering::Relaxed);
        self.counters.legs.fetch_sub(n_legs, Ordering::AcqRel);
    }
}

/// Asks the second model of a cascade about a window that the first has scored, where it is to hear it and the clock allows.
fn ask(slot: &mut Slot, heard: &Heard, raw: RawScore, desk: Option<&Desk>, answer: &Sender<Answer>) -> SecondScore {
    let Some(second) = slot.leg.asks(&heard.judged, raw) else { return SecondScore::None };
    let deadline = heard.spoken + second.max_delay();
    let now = Instant::now();
    let question = slot.leg.speech(&heard.ready).filter(|_| now < deadline && second.admits(now));
    let number = Number { slot: slot.number, window: slot.next_number() };
    let asked = desk.zip(question).is_some_and(|(desk, (speech, rate_hz))| {
        desk.ask(Question { number, second, speech, rate_hz, deadline, answer: answer.clone() })
    });
    if asked {
        SecondScore::Asked(number.window, deadline)
    } else {
        slot.leg.goes_without(Fate::OverBudget);
        SecondScore::None
    }
}
