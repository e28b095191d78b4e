//! A leg as its worker has it: its end of the rings, and the windows that wait for a score.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rtrb::{Consumer, Producer};

use super::line::{Line, Mark, What};
use crate::error::{Error, Result};
use crate::leg::stream::{Event, Sample as _};
use crate::leg::{Leg, MAX_BLOCK_SAMPLES, Ready};
use crate::model::{Fate, RawScore};
use crate::verdict::report::ErrorReport;
use crate::voice::conditions::Judged;

/// Audio that a leg is listened to for at a time. What it takes to listen lies far away in memory by the time that its turn comes
/// again, among thousands of legs: a packet at a time costs half as much again.
const PIECE_MS: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// All audio was heard; windows of it may wait.
    Finished,
    /// The last word is said or waits to be.
    Over,
}

/// A window that waits for its score.
pub(super) struct Waiting {
    pub ready: Ready,
    /// When its last audio was spoken.
    pub spoken: Instant,
}

/// A window with the score of the leg's model, and where that of a cascade's second model stands.
pub(super) struct Scored {
    pub judged: Judged,
    pub raw: RawScore,
    pub second: SecondScore,
}

pub(super) enum SecondScore {
    /// It was not asked.
    None,
    /// It was asked about the window of this number, and is waited for until then.
    Asked(u64, Instant),
    Came(RawScore),
}

/// A leg, its rings and what is still to be told of it.
pub(super) struct Slot {
    pub leg: Leg,
    pub state: State,
    /// Oldest first. While one waits the leg hears no more of its audio, which stays in the ring, unless it remembers what
    /// lies behind the window.
    pub waiting: VecDeque<Waiting>,
    /// Oldest first: windows whose score the leg does not have yet, since it takes them in their order and one of them waits for a
    /// second.
    scored: VecDeque<Scored>,
    /// Which leg of its worker's it is, and how many windows a second model was asked about.
    pub number: u64,
    n_asked: u64,
    audio: Consumer<i16>,
    marks: Consumer<Mark>,
    events: Producer<Event>,
    line: Arc<Line>,
    hears_on: bool,
    n_heard: u64,
    /// What found no room among the events and must not be lost: the newest verdict, or the last word.
    untold: Option<Event>,
    missed_events: u64,
}

impl Slot {
    /// `hears_on`: whether the leg remembers as much behind a window as it takes to make the next.
    pub fn new(
        leg: Leg,
        (audio, marks, events): (Consumer<i16>, Consumer<Mark>, Producer<Event>),
        line: Arc<Line>,
        hears_on: bool,
    ) -> Self {
        Self {
            leg,
            state: State::Open,
            waiting: VecDeque::new(),
            scored: VecDeque::new(),
            number: 0,
            n_asked: 0,
            audio,
            marks,
            events,
            line,
            hears_on,
            n_heard: 0,
            untold: None,
            missed_events: 0,
        }
    }

    pub fn tell(&mut self, event: Event) {
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

    /// Window events since the last call that nobody fetched in time.
    pub fn take_missed_events(&mut self) -> u64 {
        std::mem::take(&mut self.missed_events)
    }

    pub fn fail(&mut self, error: &Error) {
        self.state = State::Over;
        self.waiting.clear();
        self.scored.clear();
        self.tell(Event::Failed(ErrorReport { kind: error.kind().as_str().to_owned(), message: error.to_string() }));
    }

    /// The number of the next window that a second model is asked about.
    pub fn next_number(&mut self) -> u64 {
        self.n_asked += 1;
        self.n_asked
    }

    /// Takes a window that was scored; the leg has it once those before it are settled.
    pub fn add(&mut self, scored: Scored) {
        self.scored.push_back(scored);
    }

    /// The answer of a second model; nothing where nobody waits for it any more.
    pub fn answer(&mut self, number: u64, score: RawScore) {
        let asked = |scored: &&mut Scored| matches!(scored.second, SecondScore::Asked(of, _) if of == number);
        if let Some(scored) = self.scored.iter_mut().find(asked) {
            scored.second = SecondScore::Came(score);
        }
    }

    /// Hands the leg the windows that are settled by `now`; without a time all of them, whatever waits.
    pub fn settle(&mut self, now: Option<Instant>) {
        let mut news = Vec::new();
        while let Some(Scored { judged, raw, second }) = self.scored.pop_front() {
            let second = match second {
                SecondScore::None => None,
                SecondScore::Came(score) => Some(score),
                SecondScore::Asked(_, deadline) if now.is_some_and(|now| now < deadline) => {
                    self.scored.push_front(Scored { judged, raw, second });
                    break;
                }
                SecondScore::Asked(..) => {
                    self.leg.goes_without(Fate::Late);
                    None
                }
            };
            self.leg.take(judged, raw, second, &mut |event| news.push(event));
        }
        for event in news {
            self.tell(event);
        }
    }

    /// Whether all windows have their score, and the leg has it.
    pub fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.scored.is_empty()
    }

    /// Gives the verdict on what was scored.
    pub fn end(&mut self) {
        self.state = State::Over;
        let verdict = self.leg.end();
        self.tell(Event::Ended(Box::new(verdict)));
    }

    /// Given up by its caller, or over with nothing left to tell.
    pub fn is_gone(&mut self) -> bool {
        self.events.is_abandoned() || (self.state == State::Over && self.tell_untold())
    }

    /// The caller said that no more audio comes.
    pub fn is_ended(&self) -> bool {
        self.line.ended.load(Ordering::Acquire)
    }

    /// Whether there is enough to hear, or the end, and room to hear it.
    pub fn has_news(&self) -> bool {
        // The ring keeps its size when the source goes on at a higher rate.
        let most = self.audio.buffer().capacity() / 2;
        let enough = (self.leg.source_rate_hz() as usize * PIECE_MS / 1_000).min(most);
        self.state == State::Open
            && (self.hears_on || self.waiting.is_empty())
            && (self.audio.slots() >= enough || !self.marks.is_empty() || self.line.ended.load(Ordering::Relaxed))
    }

    /// Runs what lies in the ring through the leg, up to the next window. Gives how many windows newer ones took the place of.
    pub fn hear(&mut self) -> Result<u64> {
        // Looked at before the ring: what was pushed before the end was said is in it by then.
        let ended = self.is_ended();
        let rate = f64::from(self.leg.source_rate_hz());
        let until = self.n_heard + self.audio.slots() as u64;
        let mut n_replaced = 0;
        while self.hears_on || self.waiting.is_empty() {
            let mark = self.marks.peek().ok().copied().filter(|mark| mark.at <= until);
            let next = mark.map_or(until, |mark| mark.at);
            if next > self.n_heard {
                let n = ((next - self.n_heard) as usize).min(MAX_BLOCK_SAMPLES);
                let Ok(chunk) = self.audio.read_chunk(n) else { break };
                let (first, second) = chunk.as_slices();
                for samples in [first, second] {
                    self.leg.push(samples.iter().map(|sample| sample.to_f32()))?;
                }
                chunk.commit_all();
                self.n_heard += n as u64;
            } else {
                let Some(mark) = mark else { break };
                // It was looked at a moment ago.
                let _ = self.marks.pop();
                self.befall(mark.what)?;
            }
            let behind = Duration::from_secs_f64((until - self.n_heard) as f64 / rate);
            n_replaced += self.collect(behind);
        }
        if ended && self.waiting.is_empty() && self.n_heard == until && self.marks.is_empty() {
            self.leg.count_invalid(self.line.invalid_at_end.load(Ordering::Relaxed) as usize);
            self.leg.lose(self.line.lost_at_end.load(Ordering::Relaxed))?;
            self.leg.finish()?;
            n_replaced += self.collect(Duration::ZERO);
            self.state = State::Finished;
        }
        Ok(n_replaced)
    }

    /// Takes the windows that the leg completed, whose last audio was spoken so long ago.
    fn collect(&mut self, behind: Duration) -> u64 {
        let mut n_replaced = 0;
        while let Some(ready) = self.leg.next_ready() {
            // A newer one says more; but the last ones of a leg that ends, or before a break, hold speech of their own.
            let older = self.waiting.back().is_some_and(|waiting| waiting.ready.cut.is_overtaken_by(&ready.cut));
            if older && let Some(waiting) = self.waiting.pop_back() {
                self.leg.replace(&waiting.ready.cut.place);
                n_replaced += 1;
            }
            let now = Instant::now();
            self.waiting.push_back(Waiting { ready, spoken: now.checked_sub(behind).unwrap_or(now) });
        }
        n_replaced
    }

    fn befall(&mut self, what: What) -> Result<()> {
        match what {
            What::Lost(n) => self.leg.lose(n),
            What::Silence(n) => self.leg.be_silent(n),
            What::Held(true) => self.leg.hold(),
            What::Held(false) => self.leg.resume(),
            What::Rate(rate) => self.leg.change_rate(rate),
            What::Invalid(n) => {
                self.leg.count_invalid(n as usize);
                Ok(())
            }
        }
    }
}
