//! The second model of a cascade, on threads of its own: the workers, who have other legs to listen to, do not wait for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::model::{RawScore, Second};

/// Questions that wait at most; with more the second model is behind by more than anybody waits.
const MAX_WAITING: usize = 64;

/// Which window of which leg of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub slot: u64,
    pub window: u64,
}

/// A window that the second model is asked about.
pub(super) struct Question {
    pub number: Number,
    pub second: Arc<Second>,
    pub speech: Vec<f32>,
    pub rate_hz: u32,
    /// Nobody waits for the answer after this.
    pub deadline: Instant,
    pub answer: Sender<Answer>,
}

pub(super) type Answer = (Number, Result<RawScore>);

/// Where questions are handed in. Its threads end when the last one is dropped.
#[derive(Clone)]
pub(super) struct Desk(SyncSender<Question>);

impl Desk {
    pub fn open(n_threads: usize) -> Result<Self> {
        let (questions, waiting) = sync_channel(MAX_WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..n_threads {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name(format!("veravox-second-{number}"))
                .spawn(move || answer_all(&waiting))
                .map_err(|e| Error::new(ErrorKind::Runtime, "cannot start a thread").with_source(e))?;
        }
        Ok(Self(questions))
    }

    /// Says whether there was room for the question.
    pub fn ask(&self, question: Question) -> bool {
        self.0.try_send(question).is_ok()
    }
}

fn answer_all(waiting: &Mutex<Receiver<Question>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Question { number, second, speech, rate_hz, deadline, answer }) = next else { return };
        if Instant::now() >= deadline {
            continue;
        }
        let heard = catch_unwind(AssertUnwindSafe(|| second.hear(&speech, rate_hz)));
        // A worker that is gone needs no answer.
        let _ = answer.send((number, heard.unwrap_or_else(|_| Err(panicked()))));
    }
}

/// What is said where a panic was caught.
pub(super) fn panicked() -> Error {
    Error::new(ErrorKind::Runtime, "a worker panicked over this leg's audio; please report it")
}
