//! One leg of a call that goes on: audio goes in from one thread, the verdict comes out to any.

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use veravox::engine::{LegAudio, LegEvents};
use veravox::{ErrorKind, Event};

use crate::event::{vvx_event, vvx_event_kind};
use crate::handle::{Handle, Tag};
use crate::json::to_json;
use crate::latest::Latest;
use crate::log::{log, vvx_log_level};
use crate::sized::Versioned as _;
use crate::status::{Fault, of_kind, vvx_status};
use crate::verdict::{reason, vvx_state, vvx_verdict};

/// One leg of a call. One thread at a time brings its audio; any thread reads its verdict.
#[cfg_attr(not(cbindgen), repr(C))]
pub struct vvx_leg {
    tag: Tag,
    /// A thread is at `audio`.
    taken: AtomicBool,
    /// The caller wants it to end: whoever is at `audio` does it on leaving.
    closing: AtomicBool,
    freed: AtomicBool,
    audio: UnsafeCell<LegAudio>,
    inbox: Mutex<Inbox>,
    latest: Latest,
    /// The report in JSON, or why there is none; there at the end.
    last_word: OnceLock<CString>,
    /// Events go to the callback of the engine.
    is_delivered: bool,
    user_data: *mut c_void,
}

// SAFETY: `repr(C)`, with its tag first.
unsafe impl Handle for vvx_leg {
    const KIND: u64 = u64::from_le_bytes(*b"leg\0\0\0\0\0");
}

// SAFETY: `audio` is reached by who took `taken` alone; `user_data` is only handed on. The rest is `Sync`.
unsafe impl Sync for vvx_leg {}
// SAFETY: as above; the last owner may be any thread.
unsafe impl Send for vvx_leg {}

/// The end of a leg that events come out of.
pub(crate) struct Inbox {
    /// Nothing once the leg is given up.
    events: Option<LegEvents>,
    verdict: Box<vvx_verdict>,
}

impl Inbox {
    pub fn give_up(&mut self) {
        self.events = None;
    }

    /// The next event; the verdict with it in is the leg's latest from here on.
    pub fn next(&mut self, leg: &vvx_leg) -> Option<vvx_event> {
        let event = self.events.as_mut()?.poll()?;
        let mut told = vvx_event { struct_size: size_of::<vvx_event>(), ..vvx_event::NONE };
        match event {
            Event::Window(window) => {
                told.kind = vvx_event_kind::Window;
                told.reason = window.reason.map_or(0, |why| reason(why) as u32);
                (told.start_seconds, told.end_seconds, told.llr) =
                    (window.start_seconds, window.end_seconds, window.llr);
            }
            Event::Verdict(verdict) => {
                told.kind = vvx_event_kind::Verdict;
                *self.verdict = (&verdict).into();
            }
            Event::Ended(verdict) => {
                told.kind = vvx_event_kind::Ended;
                *self.verdict = (&*verdict).into();
                let json = to_json(&verdict).unwrap_or_default();
                told.text = leg.last_word.get_or_init(|| json).as_ptr();
            }
            Event::Failed(error) => {
                told.kind = vvx_event_kind::Failed;
                *self.verdict = self.verdict.failed(of_kind(&error.kind));
                if error.kind != ErrorKind::Cancelled.as_str() {
                    log(vvx_log_level::Warning, &format!("a leg failed: {}", error.message));
                }
                let words = CString::new(error.message).unwrap_or_default();
                told.text = leg.last_word.get_or_init(|| words).as_ptr();
            }
            // Newer than this library; the verdict stands.
            _ => {}
        }
        self.verdict.set_struct_size(size_of::<vvx_verdict>());
        leg.latest.write(&self.verdict);
        told.verdict = &raw const *self.verdict;
        Some(told)
    }
}

impl vvx_leg {
    /// `is_delivered`: its events go to the callback of its engine.
    pub fn new(audio: LegAudio, events: LegEvents, is_delivered: bool, user_data: *mut c_void) -> Self {
        Self {
            tag: Tag::new(Self::KIND),
            taken: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            freed: AtomicBool::new(false),
            audio: UnsafeCell::new(audio),
            inbox: Mutex::new(Inbox { events: Some(events), verdict: Box::new(vvx_verdict::NONE) }),
            latest: Latest::new(),
            last_word: OnceLock::new(),
            is_delivered,
            user_data,
        }
    }

    /// The verdict of its newest event.
    pub fn latest(&self) -> vvx_verdict {
        self.latest.read()
    }

    /// Its report, or why there is none; empty before its end.
    pub fn last_word(&self) -> &CStr {
        self.last_word.get().map(CString::as_c_str).unwrap_or_default()
    }

    pub fn is_delivered(&self) -> bool {
        self.is_delivered
    }

    /// Who uses it from here on is wrong.
    pub fn strike(&self) {
        self.tag.strike();
    }

    pub fn mark_freed(&self) {
        self.freed.store(true, Ordering::Release);
    }

    pub fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_freed(&self) -> bool {
        self.freed.load(Ordering::Acquire)
    }

    /// Nothing comes any more.
    pub fn is_done(&self) -> bool {
        self.is_freed() || self.latest().state != vvx_state::Open
    }

    pub fn user_data(&self) -> *mut c_void {
        self.user_data
    }

    /// Does something with the end that audio goes into. Waits for nobody.
    pub fn with_audio(&self, work: impl FnOnce(&mut LegAudio) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.closing.load(Ordering::SeqCst) {
            return Err(Fault::new(vvx_status::Closed, "the leg was closed"));
        }
        let done = match self.take_audio() {
            Some(mut taken) => work(taken.audio()),
            None => Err(Fault::new(vvx_status::Busy, "another thread pushes to this leg at this moment")),
        };
        if self.closing.load(Ordering::SeqCst) {
            self.end_audio();
        }
        done
    }

    fn take_audio(&self) -> Option<TakenAudio<'_>> {
        (!self.taken.swap(true, Ordering::SeqCst)).then_some(TakenAudio(self))
    }

    /// Of two that come at once one does it: who finds the audio taken has set `closing` before, which the other looks at after
    /// it has given the audio back.
    fn end_audio(&self) {
        if let Some(mut taken) = self.take_audio() {
            taken.audio().end();
        }
    }

    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.end_audio();
    }
}

/// The end that audio goes into, for as long as this lives.
struct TakenAudio<'a>(&'a vvx_leg);

impl TakenAudio<'_> {
    fn audio(&mut self) -> &mut LegAudio {
        // SAFETY: one `TakenAudio` lives at a time, and it is borrowed for as long as what comes out.
        unsafe { &mut *self.0.audio.get() }
    }
}

impl Drop for TakenAudio<'_> {
    fn drop(&mut self) {
        self.0.taken.store(false, Ordering::SeqCst);
    }
}
