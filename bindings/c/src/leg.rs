//! One leg of a call that goes on: audio goes in from one thread, the verdict comes out to any.

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use veravox::decode::Limits;
use veravox::engine::{LegAudio, LegEvents};
use veravox::stream::Sample;
use veravox::{Error, ErrorKind, Event};

use crate::delivery::{in_a_callback, in_a_callback_of};
use crate::engine::{stopped, vvx_engine, vvx_event, vvx_event_kind};
use crate::handle::{Handle, Tag, check, deref, put, slice};
use crate::latest::Latest;
use crate::log::{log, vvx_log_level};
use crate::options::vvx_leg_config;
use crate::scan::to_json;
use crate::sized::{self, Versioned as _};
use crate::status::{Fault, enter, enter_realtime, of_kind, vvx_status};
use crate::verdict::{reason, vvx_state, vvx_verdict};

/// How often [`vvx_leg_finish`] looks for the verdict.
const LOOK_EVERY: Duration = Duration::from_millis(2);

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
        let mut told = vvx_event {
            struct_size: size_of::<vvx_event>(),
            kind: vvx_event_kind::None,
            reason: 0,
            start_seconds: f64::NAN,
            end_seconds: f64::NAN,
            llr: f64::NAN,
            verdict: std::ptr::null(),
            text: std::ptr::null(),
        };
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
    pub fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_freed(&self) -> bool {
        self.freed.load(Ordering::Acquire)
    }

    /// Nothing comes any more.
    pub fn is_done(&self) -> bool {
        self.is_freed() || self.latest.read().state != vvx_state::Open
    }

    pub fn user_data(&self) -> *mut c_void {
        self.user_data
    }

    /// Does something with the end that audio goes into. Waits for nobody.
    fn with_audio(&self, work: impl FnOnce(&mut LegAudio) -> Result<(), Fault>) -> Result<(), Fault> {
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

    fn close(&self) {
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

/// Opens a leg. All memory that pushing needs is taken here. Not real-time safe: it allocates, and the first leg of a rate may
/// load a model.
///
/// `leg` is set to null where it fails: `VVX_STATUS_OVERLOADED` when as many legs as are admitted are open. The leg is to be
/// freed, also after it ended or failed.
///
/// # Safety
/// `engine` must be alive, `config` to a whole structure, `leg` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_open(
    engine: *const vvx_engine,
    config: *const vvx_leg_config,
    leg: *mut *mut vvx_leg,
) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        unsafe { put(leg, std::ptr::null_mut()) }?;
        check(config)?;
        // SAFETY: the caller's word.
        let (engine, config) = unsafe { (deref(engine)?, sized::read(config)?) };
        if config.reserved != 0 {
            return Err(Fault::new(vvx_status::InvalidArgument, "expected reserved to be 0"));
        }
        let guard = engine.inner.read().unwrap_or_else(PoisonError::into_inner);
        let running = guard.as_ref().ok_or_else(stopped)?;
        let (audio, events) =
            running.open(config.sample_rate_hz).map_err(|e| refused(e, config.sample_rate_hz))?.split();
        let made = Arc::new(vvx_leg {
            tag: Tag::new(vvx_leg::KIND),
            taken: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            freed: AtomicBool::new(false),
            audio: UnsafeCell::new(audio),
            inbox: Mutex::new(Inbox { events: Some(events), verdict: Box::new(vvx_verdict::NONE) }),
            latest: Latest::new(),
            last_word: OnceLock::new(),
            is_delivered: engine.delivery.is_some(),
            user_data: config.user_data,
        });
        // SAFETY: the caller's word.
        unsafe { put(leg, Arc::as_ptr(&made).cast_mut()) }?;
        if let Some(delivery) = &engine.delivery {
            delivery.add(Arc::clone(&made));
        }
        // The caller's share, which `vvx_leg_free` takes back.
        let _ = Arc::into_raw(made);
        Ok(())
    })
}

/// The limit on the rate and that on open legs are of one kind; only the second goes away by waiting.
fn refused(error: Error, sample_rate_hz: u32) -> Fault {
    let full = error.kind() == ErrorKind::LimitExceeded && is_allowed(sample_rate_hz);
    let fault = Fault::from(error);
    if full { Fault { status: vvx_status::Overloaded, ..fault } } else { fault }
}

fn is_allowed(sample_rate_hz: u32) -> bool {
    let limits = Limits::default();
    (limits.min_sample_rate_hz..=limits.max_sample_rate_hz).contains(&sample_rate_hz)
}

/// Takes the next samples of a leg, 16-bit. **Real-time safe**: it copies them into memory that was taken when the leg was
/// opened, and returns; no allocation, no lock, no system call, no log, whatever the engine does meanwhile.
///
/// `n_taken`, which may be null, is set to how many found room; the others, where the engine is far behind, count as lost. One
/// thread at a time: a second gets `VVX_STATUS_BUSY`, and nothing is taken. `VVX_STATUS_CLOSED` when the leg was closed, is over,
/// or the engine was stopped.
///
/// # Safety
/// `leg` must be alive, `samples` `n_samples` long, `n_taken` null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_push(
    leg: *mut vvx_leg,
    samples: *const i16,
    n_samples: usize,
    n_taken: *mut usize,
) -> vvx_status {
    // SAFETY: the caller's word.
    enter_realtime(|| unsafe { push(leg, samples, n_samples, n_taken) })
}

/// As `vvx_leg_push`, of floats in [-1, 1], which are rounded to 16 bits; what is not a number counts as zero. **Real-time
/// safe.**
///
/// # Safety
/// As `vvx_leg_push`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_push_f32(
    leg: *mut vvx_leg,
    samples: *const f32,
    n_samples: usize,
    n_taken: *mut usize,
) -> vvx_status {
    // SAFETY: the caller's word.
    enter_realtime(|| unsafe { push(leg, samples, n_samples, n_taken) })
}

/// # Safety
/// As [`vvx_leg_push`].
unsafe fn push<S: Sample>(
    leg: *mut vvx_leg,
    samples: *const S,
    n_samples: usize,
    n_taken: *mut usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's word.
    let (leg, samples) = unsafe { (deref(leg)?, slice(samples, n_samples)?) };
    let mut taken = 0;
    let done = leg.with_audio(|audio| {
        taken = audio.push(samples);
        if taken == 0 && audio.is_gone() {
            return Err(Fault::new(vvx_status::Closed, "the leg is over"));
        }
        Ok(())
    });
    if !n_taken.is_null() {
        // SAFETY: the caller's word.
        unsafe { put(n_taken, taken) }?;
    }
    done
}

/// How many samples would find room now: for who brings a recording and may wait, which a call may not. **Real-time safe.** One
/// thread at a time, as `vvx_leg_push`. `VVX_STATUS_CLOSED` when there will be no more.
///
/// # Safety
/// `leg` must be alive, `n_samples` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_room(leg: *mut vvx_leg, n_samples: *mut usize) -> vvx_status {
    enter_realtime(|| {
        // SAFETY: the caller's word.
        unsafe { put(n_samples, 0) }?;
        let mut room = 0;
        // SAFETY: the caller's word.
        unsafe { deref(leg) }?.with_audio(|audio| {
            room = audio.room();
            if audio.is_gone() { Err(Fault::new(vvx_status::Closed, "the leg is over")) } else { Ok(()) }
        })?;
        // SAFETY: the caller's word.
        unsafe { put(n_samples, room) }
    })
}

/// `n_samples` of the leg, at its own rate, never came: packets that were lost. **Real-time safe.** One thread at a time, as
/// `vvx_leg_push`.
///
/// # Safety
/// `leg` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_lost(leg: *mut vvx_leg, n_samples: u64) -> vvx_status {
    // SAFETY: the caller's word.
    enter_realtime(|| unsafe { tell(leg, |audio| audio.lost(n_samples)) })
}

/// `n_samples` were not sent since the other side was silent (discontinuous transmission). A pause like any other.
/// **Real-time safe.** One thread at a time, as `vvx_leg_push`.
///
/// # Safety
/// `leg` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_silence(leg: *mut vvx_leg, n_samples: u64) -> vvx_status {
    // SAFETY: the caller's word.
    enter_realtime(|| unsafe { tell(leg, |audio| audio.silence(n_samples)) })
}

/// The call is on hold: what is pushed until `vvx_leg_resume` is not listened to. **Real-time safe.** One thread at a time, as
/// `vvx_leg_push`.
///
/// # Safety
/// `leg` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_hold(leg: *mut vvx_leg) -> vvx_status {
    // SAFETY: the caller's word.
    enter_realtime(|| unsafe { tell(leg, LegAudio::hold) })
}

/// The hold is over. **Real-time safe.** One thread at a time, as `vvx_leg_push`.
///
/// # Safety
/// `leg` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_resume(leg: *mut vvx_leg) -> vvx_status {
    // SAFETY: the caller's word.
    enter_realtime(|| unsafe { tell(leg, LegAudio::resume) })
}

/// What is pushed from here on has another sample rate, as after a change of codec. **Real-time safe.** One thread at a time, as
/// `vvx_leg_push`. `VVX_STATUS_LIMIT_EXCEEDED` where the rate is out of the limits; the leg goes on at the old one.
///
/// # Safety
/// `leg` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_change_rate(leg: *mut vvx_leg, sample_rate_hz: u32) -> vvx_status {
    enter_realtime(|| {
        // Asked here: an error of the core's has words, which take memory.
        if !is_allowed(sample_rate_hz) {
            return Err(Fault::new(vvx_status::LimitExceeded, "the sample rate is out of the limits"));
        }
        let mut changed = Ok(());
        // SAFETY: the caller's word.
        unsafe { tell(leg, |audio| changed = audio.change_rate(sample_rate_hz)) }?;
        Ok(changed?)
    })
}

/// # Safety
/// `leg` must be alive.
unsafe fn tell(leg: *mut vvx_leg, what: impl FnOnce(&mut LegAudio)) -> Result<(), Fault> {
    // SAFETY: the caller's word.
    let leg = unsafe { deref(leg) }?;
    leg.with_audio(|audio| {
        what(audio);
        Ok(())
    })
}

/// No more audio comes. **Real-time safe**, and any thread may call it, also while another pushes. The verdict is made by the
/// engine and comes as the leg's last event. A leg that is closed stays so.
///
/// # Safety
/// `leg` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_close(leg: *mut vvx_leg) -> vvx_status {
    enter_realtime(|| {
        // SAFETY: the caller's word.
        unsafe { deref(leg) }?.close();
        Ok(())
    })
}

/// The verdict of the leg's newest event: of those that went to the callback, or were fetched by `vvx_leg_poll`. Before the
/// first it is inconclusive for want of speech. **Real-time safe**, and any thread may call it: no lock; where a new verdict is
/// written at that very moment, it reads again.
///
/// # Safety
/// `leg` must be alive, `verdict` to a whole structure whose `struct_size` is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_verdict(leg: *const vvx_leg, verdict: *mut vvx_verdict) -> vvx_status {
    enter_realtime(|| {
        // SAFETY: the caller's word.
        unsafe { sized::write(verdict, deref(leg)?.latest.read()) }
    })
}

/// Fetches the leg's next event; its kind is `VVX_EVENT_KIND_NONE` where there is none. For engines without a callback. Any
/// thread may call it; what an event points to is the business of who fetched it. Not real-time safe: it takes a lock.
///
/// # Safety
/// `leg` must be alive, `event` to a whole structure whose `struct_size` is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_poll(leg: *mut vvx_leg, event: *mut vvx_event) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        let leg = unsafe { deref(leg) }?;
        if leg.is_delivered {
            return Err(Fault::new(vvx_status::InvalidArgument, "the events of this engine go to its callback"));
        }
        check(event)?;
        // SAFETY: not null and aligned; readable by the caller's word. Looked at before an event is taken out: none is lost.
        let size = unsafe { event.cast::<usize>().read() };
        if size < vvx_event::FIRST_SIZE {
            return Err(Fault::new(vvx_status::StructSize, "expected struct_size to be sizeof(vvx_event)"));
        }
        let mut inbox = leg.inbox();
        let none = vvx_event {
            struct_size: 0,
            kind: vvx_event_kind::None,
            reason: 0,
            start_seconds: f64::NAN,
            end_seconds: f64::NAN,
            llr: f64::NAN,
            verdict: std::ptr::null(),
            text: std::ptr::null(),
        };
        let next = inbox.next(leg).unwrap_or(none);
        // SAFETY: the caller's word.
        unsafe { sized::write(event, next) }
    })
}

/// Closes a leg and waits for its verdict, `timeout_ms` at most (`VVX_STATUS_TIMEOUT`); events that were not fetched are passed
/// over, a callback gets them. Where the leg failed, the answer is the code it failed with, and the verdict says so too. Not
/// real-time safe: it waits.
///
/// # Safety
/// `leg` must be alive, `verdict` to a whole structure whose `struct_size` is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_finish(leg: *mut vvx_leg, timeout_ms: u32, verdict: *mut vvx_verdict) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        let leg = unsafe { deref(leg) }?;
        if in_a_callback() {
            return Err(Fault::new(vvx_status::Busy, "a callback cannot wait for a verdict, which comes by it"));
        }
        leg.close();
        let started = Instant::now();
        let last = loop {
            if !leg.is_delivered {
                let mut inbox = leg.inbox();
                while inbox.next(leg).is_some() {}
            }
            let latest = leg.latest.read();
            if latest.state != vvx_state::Open {
                break latest;
            }
            if started.elapsed() >= Duration::from_millis(u64::from(timeout_ms)) {
                return Err(Fault::new(vvx_status::Timeout, "the verdict took longer than the time given"));
            }
            std::thread::sleep(LOOK_EVERY);
        };
        // SAFETY: the caller's word.
        unsafe { sized::write(verdict, last) }?;
        if last.state == vvx_state::Failed {
            let words = leg.last_word.get().map(|words| words.to_string_lossy().into_owned()).unwrap_or_default();
            return Err(Fault { status: last.error, words: words.into() });
        }
        Ok(())
    })
}

/// The report on a leg that ended, as JSON: verdict, every window, suspicious stretches. `json` is valid until the leg is freed.
/// `VVX_STATUS_BUSY` while the leg goes on or its last event was not fetched. Any thread may call it; not real-time safe.
///
/// # Safety
/// `leg` must be alive, `json` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_json(leg: *const vvx_leg, json: *mut *const c_char) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        unsafe { put(json, std::ptr::null()) }?;
        // SAFETY: the caller's word.
        let leg = unsafe { deref(leg) }?;
        let text: &CStr = match leg.latest.read().state {
            vvx_state::Open => {
                return Err(Fault::new(vvx_status::Busy, "the leg goes on, or its last event was not fetched"));
            }
            vvx_state::Failed => return Err(Fault::new(vvx_status::Cancelled, "the leg failed: it has no report")),
            vvx_state::Ended => leg.last_word.get().map(CString::as_c_str).unwrap_or_default(),
        };
        // SAFETY: the caller's word.
        unsafe { put(json, text.as_ptr()) }
    })
}

/// Frees a leg; null is fine. One that goes on is given up: nothing more is scored, and no event comes. Where its callback runs
/// in another thread, this waits until it has returned; in the callback itself it does not. Not real-time safe.
///
/// # Safety
/// Nobody must use it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_leg_free(leg: *mut vvx_leg) -> vvx_status {
    enter(|| {
        if leg.is_null() {
            return Ok(());
        }
        // SAFETY: the caller's word.
        unsafe { deref(leg) }?.tag.strike();
        // SAFETY: it is the caller's share, by `Arc::into_raw` in `vvx_leg_open`; the tag said that it was not freed yet.
        let own = unsafe { Arc::from_raw(leg.cast_const()) };
        own.freed.store(true, Ordering::Release);
        if !in_a_callback_of(leg) {
            own.inbox().give_up();
        }
        Ok(())
    })
}
