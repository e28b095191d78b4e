//! What a leg is asked for.

use std::ffi::{CStr, c_char};
use std::time::{Duration, Instant};

use crate::delivery::in_a_callback;
use crate::entry::{enter, enter_realtime};
use crate::event::vvx_event;
use crate::handle::{check, deref, put};
use crate::leg::vvx_leg;
use crate::sized::{self, Versioned as _};
use crate::status::{Fault, vvx_status};
use crate::verdict::{vvx_state, vvx_verdict};

/// How often [`vvx_leg_finish`] looks for the verdict.
const LOOK_EVERY: Duration = Duration::from_millis(2);

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
        unsafe { sized::write(verdict, deref(leg)?.latest()) }
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
        if leg.is_delivered() {
            return Err(Fault::new(vvx_status::InvalidArgument, "the events of this engine go to its callback"));
        }
        check(event)?;
        // SAFETY: not null and aligned; readable by the caller's word. Looked at before an event is taken out: none is lost.
        let size = unsafe { event.cast::<usize>().read() };
        if size < vvx_event::FIRST_SIZE {
            return Err(Fault::new(vvx_status::StructSize, "expected struct_size to be sizeof(vvx_event)"));
        }
        let mut inbox = leg.inbox();
        let next = inbox.next(leg).unwrap_or(vvx_event::NONE);
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
            if !leg.is_delivered() {
                let mut inbox = leg.inbox();
                while inbox.next(leg).is_some() {}
            }
            let latest = leg.latest();
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
            let words = leg.last_word().to_string_lossy().into_owned();
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
        let text: &CStr = match leg.latest().state {
            vvx_state::Open => {
                return Err(Fault::new(vvx_status::Busy, "the leg goes on, or its last event was not fetched"));
            }
            vvx_state::Failed => return Err(Fault::new(vvx_status::Cancelled, "the leg failed: it has no report")),
            vvx_state::Ended => leg.last_word(),
        };
        // SAFETY: the caller's word.
        unsafe { put(json, text.as_ptr()) }
    })
}
