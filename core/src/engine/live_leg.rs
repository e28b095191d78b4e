//! The caller's side of a leg: rings that audio goes into and events come out of.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use rtrb::{Consumer, Producer};

use super::line::{Line, Mark, What};
use super::stats::Counters;
use crate::error::{Error, ErrorKind, Result};
use crate::leg::stream::{Event, Sample};
use crate::verdict::report::{ErrorReport, LegVerdict};

/// How often [`LiveLeg::finish`] looks for the verdict.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// One leg of an engine, for the thread that brings its audio. Dropping it gives the leg up: nothing more is scored, and
/// nobody waits.
pub struct LiveLeg {
    // Dropped first: the worker sees that nobody listens before it sees that the audio ended.
    events: LegEvents,
    audio: LegAudio,
}

/// The end of a leg that audio goes into, for one thread. Dropping it [ends](Self::end) the leg.
pub struct LegAudio {
    audio: Producer<i16>,
    marks: Producer<Mark>,
    line: Arc<Line>,
    counters: Arc<Counters>,
    n_pushed: u64,
    /// What the worker could not be told yet, for want of room.
    untold_lost: u64,
    untold_invalid: u32,
    held: (bool, bool),
    rate_hz: (u32, u32),
    ended: bool,
}

/// The end of a leg that events come out of. Dropping it gives the leg up: nothing more is scored, and nobody waits.
pub struct LegEvents {
    events: Consumer<Event>,
    over: bool,
}

impl LiveLeg {
    /// The caller's ends of a leg's rings.
    pub(super) fn new(
        (audio, marks, events): (Producer<i16>, Producer<Mark>, Consumer<Event>),
        line: Arc<Line>,
        counters: Arc<Counters>,
        sample_rate_hz: u32,
    ) -> Self {
        let audio = LegAudio {
            audio,
            marks,
            line,
            counters,
            n_pushed: 0,
            untold_lost: 0,
            untold_invalid: 0,
            held: (false, false),
            rate_hz: (sample_rate_hz, sample_rate_hz),
            ended: false,
        };
        Self { events: LegEvents { events, over: false }, audio }
    }

    /// The two ends of the leg, for a thread that brings audio and another that takes the events.
    #[must_use]
    pub fn split(self) -> (LegAudio, LegEvents) {
        (self.audio, self.events)
    }

    /// As [`LegAudio::push`].
    pub fn push<S: Sample>(&mut self, samples: &[S]) -> usize {
        self.audio.push(samples)
    }

    /// As [`LegAudio::room`].
    #[must_use]
    pub fn room(&self) -> usize {
        self.audio.room()
    }

    /// As [`LegAudio::is_gone`].
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.audio.is_gone()
    }

    /// As [`LegEvents::is_over`].
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.events.is_over()
    }

    /// As [`Stream::lost`](crate::Stream::lost).
    pub fn lost(&mut self, n_samples: u64) {
        self.audio.lost(n_samples);
    }

    /// As [`Stream::silence`](crate::Stream::silence).
    pub fn silence(&mut self, n_samples: u64) {
        self.audio.silence(n_samples);
    }

    /// As [`Stream::hold`](crate::Stream::hold).
    pub fn hold(&mut self) {
        self.audio.hold();
    }

    /// As [`Stream::resume`](crate::Stream::resume).
    pub fn resume(&mut self) {
        self.audio.resume();
    }

    /// As [`LegAudio::change_rate`].
    ///
    /// # Errors
    /// As there.
    pub fn change_rate(&mut self, sample_rate_hz: u32) -> Result<()> {
        self.audio.change_rate(sample_rate_hz)
    }

    /// As [`LegEvents::poll`].
    pub fn poll(&mut self) -> Option<Event> {
        self.events.poll()
    }

    /// As [`LegAudio::end`].
    pub fn end(&mut self) {
        self.audio.end();
    }

    /// Ends the leg and waits for its verdict; events that were not fetched are passed over.
    ///
    /// # Errors
    /// [`Cancelled`](ErrorKind::Cancelled) when the verdict takes longer than `timeout` or the engine was stopped;
    /// [`Runtime`](ErrorKind::Runtime) when the leg failed.
    pub fn finish(mut self, timeout: Duration) -> Result<LegVerdict> {
        self.end();
        let started = Instant::now();
        loop {
            match self.poll() {
                Some(Event::Ended(verdict)) => return Ok(*verdict),
                Some(Event::Failed(error)) => {
                    let cancelled = error.kind == ErrorKind::Cancelled.as_str();
                    let kind = if cancelled { ErrorKind::Cancelled } else { ErrorKind::Runtime };
                    return Err(Error::new(kind, error.message));
                }
                Some(_) => {}
                None if self.is_over() => return Err(Error::new(ErrorKind::Cancelled, "the leg had ended before")),
                None if started.elapsed() >= timeout => {
                    return Err(Error::new(ErrorKind::Cancelled, "the verdict took longer than the time given"));
                }
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
    }
}

impl LegAudio {
    /// Copies the next samples of the leg into its ring, and returns at once: no allocation, no lock, no system call. Floats
    /// are rounded to 16 bits; what is not a number counts as zero. Returns how many samples found room; the others, if the
    /// worker is far behind, are counted as lost.
    pub fn push<S: Sample>(&mut self, samples: &[S]) -> usize {
        if self.ended || self.is_gone() {
            return 0;
        }
        if !self.tell() {
            self.drop_samples(samples.len());
            return 0;
        }
        let room = self.audio.slots().min(samples.len());
        let (now, dropped) = samples.split_at(room);
        let mut n_invalid = 0;
        if let Ok(chunk) = self.audio.write_chunk_uninit(room) {
            let to_i16 = |sample: &S| {
                let (value, valid) = sample.to_i16();
                n_invalid += u32::from(!valid);
                value
            };
            self.n_pushed += chunk.fill_from_iter(now.iter().map(to_i16)) as u64;
        }
        if n_invalid > 0 {
            self.untold_invalid = self.untold_invalid.saturating_add(n_invalid);
            self.tell();
        }
        if !dropped.is_empty() {
            self.drop_samples(dropped.len());
        }
        room
    }

    /// How many samples would find room now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.audio.slots()
    }

    /// The worker has no more to do with the leg: it ended, failed, or the engine was stopped. Events may be left.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.audio.is_abandoned()
    }

    /// As [`Stream::lost`](crate::Stream::lost).
    pub fn lost(&mut self, n_samples: u64) {
        self.untold_lost = self.untold_lost.saturating_add(n_samples);
        self.tell();
    }

    /// As [`Stream::silence`](crate::Stream::silence).
    pub fn silence(&mut self, n_samples: u64) {
        if !self.tell() || !self.mark(What::Silence(n_samples)) {
            self.untold_lost = self.untold_lost.saturating_add(n_samples);
        }
    }

    /// As [`Stream::hold`](crate::Stream::hold).
    pub fn hold(&mut self) {
        self.held.0 = true;
        self.tell();
    }

    /// As [`Stream::resume`](crate::Stream::resume).
    pub fn resume(&mut self) {
        self.held.0 = false;
        self.tell();
    }

    /// As [`Stream::change_rate`](crate::Stream::change_rate). The ring keeps its size in samples: a leg that may come to a
    /// higher rate is opened at that.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) when the rate is outside the default limits; the leg goes on at the old
    /// one.
    pub fn change_rate(&mut self, sample_rate_hz: u32) -> Result<()> {
        crate::audio::decode::Limits::default().check_sample_rate(sample_rate_hz)?;
        self.rate_hz.0 = sample_rate_hz;
        self.tell();
        Ok(())
    }

    /// No more audio comes; what is pushed from here on is not taken. Returns at once; the verdict is the last event of
    /// [`LegEvents::poll`].
    pub fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.tell_now();
        self.line.lost_at_end.store(self.untold_lost, Ordering::Relaxed);
        self.line.invalid_at_end.store(u64::from(self.untold_invalid), Ordering::Relaxed);
        self.line.ended.store(true, Ordering::Release);
    }

    /// Tells the worker what it does not know yet. Says whether it knows all now.
    fn tell(&mut self) -> bool {
        !self.ended && self.tell_now()
    }

    fn tell_now(&mut self) -> bool {
        if self.untold_lost > 0 && self.mark(What::Lost(self.untold_lost)) {
            self.untold_lost = 0;
        }
        if self.untold_invalid > 0 && self.mark(What::Invalid(self.untold_invalid)) {
            self.untold_invalid = 0;
        }
        if self.held.0 != self.held.1 && self.mark(What::Held(self.held.0)) {
            self.held.1 = self.held.0;
        }
        if self.rate_hz.0 != self.rate_hz.1 && self.mark(What::Rate(self.rate_hz.0)) {
            self.rate_hz.1 = self.rate_hz.0;
        }
        self.untold_lost == 0 && self.held.0 == self.held.1 && self.rate_hz.0 == self.rate_hz.1
    }

    fn mark(&mut self, what: What) -> bool {
        self.marks.push(Mark { at: self.n_pushed, what }).is_ok()
    }

    fn drop_samples(&mut self, n_samples: usize) {
        self.untold_lost = self.untold_lost.saturating_add(n_samples as u64);
        self.counters.dropped_samples.fetch_add(n_samples as u64, Ordering::Relaxed);
    }
}

impl Drop for LegAudio {
    fn drop(&mut self) {
        self.end();
    }
}

impl LegEvents {
    /// The last event was fetched.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The next event, if there is one. The last is [`Event::Ended`] or [`Event::Failed`].
    pub fn poll(&mut self) -> Option<Event> {
        if self.over {
            return None;
        }
        // Asked before the queue is looked at: the worker's last word is in it by then.
        let abandoned = self.events.is_abandoned();
        if abandoned {
            // What the worker wrote before it left is seen from here on.
            fence(Ordering::Acquire);
        }
        let event = self.events.pop().ok();
        let event = event.or_else(|| {
            abandoned.then(|| {
                let message = "the engine was stopped before the leg ended".to_owned();
                Event::Failed(ErrorReport { kind: ErrorKind::Cancelled.as_str().to_owned(), message })
            })
        });
        self.over = matches!(event, Some(Event::Ended(_) | Event::Failed(_)));
        event
    }
}
