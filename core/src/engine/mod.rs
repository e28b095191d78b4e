//! Many calls at once, one model in memory.
//!
//! An [`Engine`] watches thousands of legs from a few threads. The thread that brings the audio, of a phone system's media
//! path for one, only copies it into a ring that was made when the leg was opened: [`LiveLeg::push`] allocates nothing, takes
//! no lock and makes no system call, whatever the model does meanwhile. Workers look at the rings every few milliseconds, do
//! all the rest, and score the windows of all their legs in batches. A leg belongs to one worker, so that no two ever
//! contend for it.
//!
//! Overload is explicit. The engine admits [`max_legs`](EngineOptions::max_legs) and refuses the next. Windows wait in one
//! queue by the age of their speech. One that has waited for longer than [`max_delay`](EngineOptions::max_delay) is shed,
//! which means not scored; where that is longer than it takes to speak the next, the next takes its place. What no ring had
//! room for counts as lost. Each of these is counted, in [`EngineStats`] and in the leg's own verdict; nothing grows.
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

mod desk;
mod line;
mod live_leg;
mod options;
mod scoring;
mod slot;
mod stats;
mod worker;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rtrb::RingBuffer;

pub use live_leg::{LegAudio, LegEvents, LiveLeg};
pub use options::EngineOptions;
pub use stats::{EngineStats, Histogram, Percentiles};

use crate::detector::Detector;
use crate::error::{Error, ErrorKind, Result};
use crate::leg::Leg;
use crate::model::runtime::Runtime;
use crate::model::{Model, Threads};
use desk::Desk;
use line::{Line, MAX_MARKS};
use scoring::{MakeScorer, ModelScorer};
use slot::Slot;
use stats::{Counters, locked};
use worker::{Message, Worker};

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
    threads: Threads,
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
            Arc::new(|model, batch, threads| Ok(Box::new(ModelScorer::new(Arc::clone(model), batch, threads)?)));
        Self::start_with(detector, options, scorer)
    }

    fn start_with(detector: Detector, options: EngineOptions, make_scorer: Arc<MakeScorer>) -> Result<Self> {
        options.check()?;
        let runtime = Runtime::get()?;
        let counters = Arc::new(Counters::default());
        // The second model of a cascade is asked seldom, and takes long.
        let desk = detector.second().map(|_| Desk::open((options.workers / 2).max(1))).transpose()?;
        let start = |number: usize| {
            let (messages, inbox) = std::sync::mpsc::channel();
            let n_legs = Arc::new(AtomicUsize::new(0));
            let (counted, scorers) = (Arc::clone(&n_legs), Arc::clone(&make_scorer));
            let threads = Threads::new(runtime);
            let worker = Worker::new(
                inbox,
                Arc::clone(&counters),
                counted,
                options.batch,
                options.shed_after(),
                scorers,
                threads.clone(),
            )
            .with_desk(desk.clone());
            let thread = std::thread::Builder::new()
                .name(format!("veravox-{number}"))
                .spawn(move || worker.run())
                .map_err(|e| Error::new(ErrorKind::Runtime, "cannot start a thread").with_source(e))?;
            Ok(Hand { messages, n_legs, models: Mutex::new(Vec::new()), threads, thread: Some(thread) })
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
        let candidates = self.detector.candidates(sample_rate_hz, None)?;
        let models: Vec<Arc<Model>> = candidates.models().map(Arc::clone).collect();
        let stream = &self.options.stream;
        let input = &candidates.widest.model.manifest().input;
        let of_manifest = input.hop_samples as f64 / f64::from(input.sample_rate_hz);
        let behind = self.options.seconds_behind(stream.update_seconds.unwrap_or(of_manifest));
        let leg = Leg::remembering(candidates, sample_rate_hz, stream, behind)?;
        let (audio, heard) = RingBuffer::new(self.options.buffer_samples(sample_rate_hz));
        let (marks, marked) = RingBuffer::new(MAX_MARKS);
        let (told, events) = RingBuffer::new(self.options.max_events);
        let line = Arc::new(Line::default());
        let slot = Slot::new(leg, (heard, marked, told), Arc::clone(&line), behind > 0.0);
        let live = LiveLeg::new((audio, marks, events), line, Arc::clone(&self.counters), sample_rate_hz);
        let least_busy = self.workers.iter().min_by_key(|hand| hand.n_legs.load(Ordering::Relaxed));
        let stopped = || Error::new(ErrorKind::Runtime, "the engine has no worker that runs");
        let hand = least_busy.ok_or_else(stopped)?;
        let mut known = locked(&hand.models);
        let mut scorers = Vec::new();
        for model in models {
            if !known.iter().any(|known| Arc::ptr_eq(known, &model)) {
                let scorer = (self.make_scorer)(&model, self.options.batch, &hand.threads)?;
                known.push(Arc::clone(&model));
                scorers.push((model, scorer));
            }
        }
        hand.n_legs.fetch_add(1, Ordering::Relaxed);
        hand.messages.send(Message::Open(Box::new(slot), scorers)).map_err(|_| stopped())?;
        Ok(live)
    }

    /// What the engine does and did.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        EngineStats { second: self.detector.second_counts(), ..self.counters.stats() }
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

#[cfg(test)]
mod tests;
