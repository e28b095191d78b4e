//! Many calls at once, one model in memory.
//!
//! An [`Engine`] watches thousands of legs from a few threads. The thread that brings the audio, of a phone system's media
//! path for one, only copies it into a ring that was made when the leg was opened: [`LiveLeg::push`] allocates nothing, takes
//! no lock and makes no system call, whatever the model does meanwhile. Workers look at the rings every few milliseconds, do
//! all the rest, and score the windows of all their legs in batches. A leg belongs to one worker, so that no two ever
//! contend for it.
//!
//! Overload is explicit. The engine admits [`max_legs`](EngineOptions::max_legs) and refuses the next. Where the oldest audio
//! of a leg has waited for half of [`max_delay`](EngineOptions::max_delay), the leg's windows are shed, which means not
//! scored, if its verdict is firm; at the whole of it, in any case. What no ring had room for counts as lost. Each of these
//! is counted, in [`EngineStats`] and in the leg's own verdict; nothing waits, and nothing grows.
//!
//! ```
//! use std::time::Duration;
//! use veravox::engine::{Engine, EngineOptions};
//! use veravox::{Detector, Event};
//!
//! let engine = Engine::start(Detector::builtin()?, EngineOptions::default())?;
//! let mut leg = engine.open(8_000)?;
//! for frame in [0_i16; 8_000].chunks(160) {
//!     leg.push(frame);
//!     while let Some(event) = leg.poll() {
//!         println!("{event:?}");
//!     }
//! }
//! let verdict = leg.finish(Duration::from_secs(10))?;
//! assert_eq!(verdict.reasons[0].as_str(), "no_signal");
//! # Ok::<(), veravox::Error>(())
//! ```

mod live_leg;
mod stats;
mod worker;

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use live_leg::LiveLeg;
pub use stats::{EngineStats, Histogram, Percentiles};

use crate::detector::Detector;
use crate::error::{Error, ErrorKind, Result};
use crate::leg::Leg;
use crate::leg::stream::StreamOptions;
use crate::model::Model;
use stats::Counters;
use worker::{MakeScorer, Message, ModelScorer, Worker};

/// How an engine works. The default takes every core and is good for calls of 20 ms packets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineOptions {
    /// Threads that score; as many as there are cores by default.
    pub workers: usize,
    /// Legs that are open at once; the next is refused. 4,096 by default.
    pub max_legs: usize,
    /// Audio that a leg can hold while its worker is busy, 0.1 s to 60 s; half a second by default. Of 16 bits a sample,
    /// which is a tenth of a leg's memory at 8 kHz.
    pub buffer: Duration,
    /// Age of the oldest unscored audio of a leg from which on its windows are shed; 0.4 s by default. As long as the buffer
    /// or longer, nothing is shed, and audio that finds no room is lost instead.
    pub max_delay: Duration,
    /// Windows that are scored together at most; 4 by default, beyond which the built-in models gain nothing.
    pub batch: usize,
    /// Events that a leg keeps for [`LiveLeg::poll`]; 24 by default. Of window events that find no room the leg keeps none.
    pub max_events: usize,
    /// How each leg is watched; [`StreamOptions::live`] by default.
    pub stream: StreamOptions,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, NonZero::get),
            max_legs: 4_096,
            buffer: Duration::from_millis(500),
            max_delay: Duration::from_millis(400),
            batch: 4,
            max_events: 24,
            stream: StreamOptions::live(),
        }
    }
}

impl EngineOptions {
    fn check(&self) -> Result<()> {
        let ensure = |holds: bool, message: &str| {
            if holds { Ok(()) } else { Err(Error::new(ErrorKind::InvalidArgument, message)) }
        };
        ensure((1..=1_024).contains(&self.workers), "expected 1 to 1024 workers")?;
        ensure(self.max_legs >= 1, "expected max_legs to be at least 1")?;
        let buffer = Duration::from_millis(100)..=Duration::from_mins(1);
        ensure(buffer.contains(&self.buffer), "expected a buffer of 0.1 s to 60 s")?;
        ensure(!self.max_delay.is_zero(), "expected max_delay to be above 0")?;
        ensure((1..=256).contains(&self.batch), "expected batches of 1 to 256 windows")?;
        ensure((1..=65_536).contains(&self.max_events), "expected max_events to be 1 to 65536")?;
        self.stream.check()
    }

    /// Seconds of a leg's unscored audio from which on its windows are shed.
    fn shed_from(&self) -> f64 {
        if self.max_delay >= self.buffer { f64::INFINITY } else { self.max_delay.as_secs_f64() }
    }

    fn buffer_samples(&self, sample_rate_hz: u32) -> usize {
        (self.buffer.as_secs_f64() * f64::from(sample_rate_hz)) as usize
    }
}

/// Watches many legs at once; see the [module](self).
///
/// Dropping it stops the workers without waiting for them; legs that are still open then have a last event that says so.
pub struct Engine {
    make_scorer: Arc<MakeScorer>,
    detector: Detector,
    options: EngineOptions,
    counters: Arc<Counters>,
    workers: Vec<Hand>,
}

/// The engine's side of a worker.
struct Hand {
    messages: Sender<Message>,
    n_legs: Arc<AtomicUsize>,
    /// Models that it has a scorer for. Scorers are made by whoever opens the first leg of a model: the other legs of a worker
    /// must not wait for one.
    models: Mutex<Vec<Arc<Model>>>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the workers; loads the model for telephone audio, and others when the first leg asks for them.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when an option is out of its range;
    /// [`Runtime`](ErrorKind::Runtime) when the runtime cannot load the model or no thread can be started.
    pub fn start(detector: Detector, options: EngineOptions) -> Result<Self> {
        detector.model(8_000)?;
        let scorer: Arc<MakeScorer> =
            Arc::new(|model, batch| Ok(Box::new(ModelScorer::new(Arc::clone(model), batch)?)));
        Self::start_with(detector, options, scorer)
    }

    fn start_with(detector: Detector, options: EngineOptions, make_scorer: Arc<MakeScorer>) -> Result<Self> {
        options.check()?;
        let counters = Arc::new(Counters::default());
        let start = |number: usize| {
            let (messages, inbox) = std::sync::mpsc::channel();
            let n_legs = Arc::new(AtomicUsize::new(0));
            let (counted, scorers) = (Arc::clone(&n_legs), Arc::clone(&make_scorer));
            let mut worker = Worker::new(inbox, Arc::clone(&counters), counted, options.batch, scorers);
            let thread = std::thread::Builder::new()
                .name(format!("veravox-{number}"))
                .spawn(move || worker.run())
                .map_err(|e| Error::new(ErrorKind::Runtime, "cannot start a thread").with_source(e))?;
            Ok(Hand { messages, n_legs, models: Mutex::new(Vec::new()), thread: Some(thread) })
        };
        let workers = (0..options.workers).map(start).collect::<Result<_>>()?;
        Ok(Self { make_scorer, detector, options, counters, workers })
    }

    /// The detector that scores.
    #[must_use]
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Opens a leg of audio at `sample_rate_hz`. All memory of the leg but its window, which comes with its first speech, is
    /// taken here.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) when as many legs as are admitted are open, or the rate is outside the
    /// default [`Limits`](crate::decode::Limits); [`Runtime`](ErrorKind::Runtime) when the runtime cannot load the model.
    pub fn open(&self, sample_rate_hz: u32) -> Result<LiveLeg> {
        let max_legs = self.options.max_legs;
        let admitted =
            self.counters.legs.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| (n < max_legs).then_some(n + 1));
        if admitted.is_err() {
            self.counters.refused_legs.fetch_add(1, Ordering::Relaxed);
            let message = format!("expected at most {max_legs} open legs (max_legs), this would be one more");
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        let opened = self.open_admitted(sample_rate_hz);
        if opened.is_err() {
            self.counters.legs.fetch_sub(1, Ordering::AcqRel);
        }
        opened
    }

    fn open_admitted(&self, sample_rate_hz: u32) -> Result<LiveLeg> {
        let model = self.detector.model(sample_rate_hz)?;
        let thresholds = self.detector.thresholds(sample_rate_hz);
        let leg = Leg::new(Arc::clone(&model), thresholds, sample_rate_hz, &self.options.stream)?;
        let (live, slot) = live_leg::pair(leg, sample_rate_hz, &self.options, &self.counters);
        let least_busy = self.workers.iter().min_by_key(|hand| hand.n_legs.load(Ordering::Relaxed));
        let stopped = || Error::new(ErrorKind::Runtime, "the engine has no worker that runs");
        let hand = least_busy.ok_or_else(stopped)?;
        let mut models = locked(&hand.models);
        let scorer = if models.iter().any(|known| Arc::ptr_eq(known, &model)) {
            None
        } else {
            let scorer = (self.make_scorer)(&model, self.options.batch)?;
            models.push(Arc::clone(&model));
            Some((model, scorer))
        };
        hand.n_legs.fetch_add(1, Ordering::Relaxed);
        hand.messages.send(Message::Open(Box::new(slot), scorer)).map_err(|_| stopped())?;
        Ok(live)
    }

    /// What the engine does and did.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        self.counters.stats()
    }

    /// Stops the workers and waits until they have. Legs that are still open have a last event that says so.
    pub fn stop(mut self) {
        self.tell_to_stop();
        for hand in &mut self.workers {
            if let Some(thread) = hand.thread.take() {
                // A worker catches its panics; one that ended by one all the same has ended.
                let _ = thread.join();
            }
        }
    }

    fn tell_to_stop(&self) {
        for hand in &self.workers {
            // One that is gone needs not be told.
            let _ = hand.messages.send(Message::Stop);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

/// A mutex whose holder panicked guards numbers that are true all the same.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
