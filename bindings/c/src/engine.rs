//! Many calls at once.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use veravox::engine::Engine;

use crate::delivery::{Delivery, in_a_callback};
use crate::detector::vvx_detector;
use crate::handle::{Handle, Tag, check, deref, put};
use crate::leg::vvx_leg;
use crate::log::{log, log_panics, vvx_log_level};
use crate::options::vvx_engine_config;
use crate::sized::{self, versioned};
use crate::status::{Fault, enter, vvx_status};
use crate::verdict::vvx_verdict;

/// Watches many legs from a few threads of its own. Any number of threads may use it at once.
#[cfg_attr(not(cbindgen), repr(C))]
pub struct vvx_engine {
    tag: Tag,
    /// Nothing once it is stopped.
    pub(crate) inner: RwLock<Option<Engine>>,
    pub(crate) delivery: Option<Arc<Delivery>>,
    deliverer: Mutex<Option<JoinHandle<()>>>,
}

// SAFETY: `repr(C)`, with its tag first.
unsafe impl Handle for vvx_engine {
    const KIND: u64 = u64::from_le_bytes(*b"engine\0\0");
}

/// What happened on a leg.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_event_kind {
    /// Nothing new.
    None = 0,
    /// A window was scored: `start_seconds`, `end_seconds`, `llr`, `reason`.
    Window = 1,
    /// The verdict is another than before, or better founded.
    Verdict = 2,
    /// The leg ended; `text` is its report in JSON. Nothing comes after this.
    Ended = 3,
    /// The leg failed, or the engine was stopped; `text` says why. Nothing comes after this.
    Failed = 4,
}

/// News of a leg. Set `struct_size` before it is handed to `vvx_leg_poll`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vvx_event {
    /// In: `sizeof(vvx_event)`. Out: how many bytes were filled.
    pub struct_size: usize,
    /// What happened.
    pub kind: vvx_event_kind,
    /// Of a window: why it does not count, a `vvx_reason`; 0 where it does.
    pub reason: u32,
    /// Where the window starts, in seconds of the leg.
    pub start_seconds: f64,
    /// Where it ends.
    pub end_seconds: f64,
    /// Its natural-log likelihood ratio, positive = synthetic.
    pub llr: f64,
    /// The verdict with this event in it; `struct_size` says how far it is filled. Valid during the callback, or until the leg is
    /// polled again or freed.
    pub verdict: *const vvx_verdict,
    /// Words or JSON, or null. Valid until the leg is freed.
    pub text: *const c_char,
}

versioned!(vvx_event, text: *const c_char);

/// Takes the events of the legs of an engine, one after the other, in one thread that the engine has for this. It may take its
/// time: audio and scores do not wait for it, later events do. It may call everything but `vvx_leg_poll`, `vvx_leg_finish`,
/// `vvx_engine_stop` and `vvx_engine_free`; `vvx_leg_free` of the very leg is fine, too. It must not unwind (no C++ exception).
pub type vvx_event_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, leg: *mut vvx_leg, event: *const vvx_event)>;

/// What an engine does, and did since it was started.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvx_engine_stats {
    /// In: `sizeof(vvx_engine_stats)`. Out: how many bytes were filled.
    pub struct_size: usize,
    /// Legs that are open.
    pub legs: u64,
    /// Legs that were refused since as many as are admitted were open.
    pub refused_legs: u64,
    /// Legs that ended with an error.
    pub failed_legs: u64,
    /// Windows that were scored.
    pub scored_windows: u64,
    /// Windows that were not, since they had waited for too long.
    pub shed_windows: u64,
    /// Windows that were not, since a newer one of the same leg was ready.
    pub replaced_windows: u64,
    /// Samples that no leg had room for; their legs count them as lost.
    pub dropped_samples: u64,
    /// Window events that nobody fetched in time.
    pub missed_events: u64,
    /// Milliseconds from the audio that completes a window to its score: half were no more.
    pub delay_ms_p50: f64,
    /// 99 of 100 were no more.
    pub delay_ms_p99: f64,
    /// None was more.
    pub delay_ms_max: f64,
    /// Seconds that the workers listened to audio.
    pub hearing_seconds: f64,
    /// Seconds that they scored windows.
    pub scoring_seconds: f64,
}

versioned!(vvx_engine_stats, scoring_seconds: f64);

/// Starts an engine: its threads, and the model for telephone audio. Not real-time safe. A process that forks does so before.
///
/// `config` may be null. `engine` is set to null where it fails. The detector may be freed afterwards.
///
/// # Safety
/// `detector` must be alive, `config` null or to a whole structure, `engine` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_engine_start(
    detector: *const vvx_detector,
    config: *const vvx_engine_config,
    engine: *mut *mut vvx_engine,
) -> vvx_status {
    enter(|| {
        log_panics();
        // SAFETY: the caller's word.
        unsafe { put(engine, std::ptr::null_mut()) }?;
        // SAFETY: the caller's word.
        let (detector, config) = unsafe { (deref(detector)?, sized::read(config)?) };
        if config.reserved != 0 {
            return Err(Fault::new(vvx_status::InvalidArgument, "expected reserved to be 0"));
        }
        let options = config.options();
        let inner = Engine::start(detector.inner.clone(), options)?;
        let (delivery, deliverer) = Delivery::start(config.on_event)?.unzip();
        let words = format!("engine: {} workers, {} legs at most", options.workers, options.max_legs);
        log(vvx_log_level::Info, &words);
        let made = Box::new(vvx_engine {
            tag: Tag::new(vvx_engine::KIND),
            inner: RwLock::new(Some(inner)),
            delivery,
            deliverer: Mutex::new(deliverer),
        });
        // SAFETY: the caller's word.
        unsafe { put(engine, Box::into_raw(made)) }
    })
}

/// What the engine does and did. Not real-time safe: it takes a lock.
///
/// # Safety
/// `engine` must be alive, `stats` to a whole structure whose `struct_size` is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_engine_get_stats(engine: *const vvx_engine, stats: *mut vvx_engine_stats) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        let engine = unsafe { deref(engine) }?;
        let guard = engine.inner.read().unwrap_or_else(PoisonError::into_inner);
        let of = guard.as_ref().ok_or_else(stopped)?.stats();
        let filled = vvx_engine_stats {
            struct_size: 0,
            legs: of.legs as u64,
            refused_legs: of.refused_legs,
            failed_legs: of.failed_legs,
            scored_windows: of.scored_windows,
            shed_windows: of.shed_windows,
            replaced_windows: of.replaced_windows,
            dropped_samples: of.dropped_samples,
            missed_events: of.missed_events,
            delay_ms_p50: of.compute_delay_ms.p50,
            delay_ms_p99: of.compute_delay_ms.p99,
            delay_ms_max: of.compute_delay_ms.max,
            hearing_seconds: of.hearing_seconds,
            scoring_seconds: of.scoring_seconds,
        };
        // SAFETY: the caller's word.
        unsafe { sized::write(stats, filled) }
    })
}

/// Stops the threads of an engine and waits until they have. Legs that are still open fail with `VVX_STATUS_CANCELLED`, which
/// the callback has been told when this returns; they are still to be freed. No callback runs afterwards. An engine that is
/// stopped stays so. Not real-time safe.
///
/// # Safety
/// `engine` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_engine_stop(engine: *mut vvx_engine) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        unsafe { deref(engine) }?.stop()
    })
}

/// Stops an engine and frees it; null is fine. Legs outlive it, as after `vvx_engine_stop`. Not real-time safe.
///
/// # Safety
/// Nobody must use it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_engine_free(engine: *mut vvx_engine) -> vvx_status {
    enter(|| {
        if engine.is_null() {
            return Ok(());
        }
        check(engine)?;
        // SAFETY: the caller's word.
        let alive = unsafe { deref(engine) }?;
        alive.stop()?;
        alive.tag.strike();
        // SAFETY: it was made by `Box::into_raw` in `vvx_engine_start`, and its tag said that it was not freed yet.
        drop(unsafe { Box::from_raw(engine) });
        Ok(())
    })
}

impl vvx_engine {
    fn stop(&self) -> Result<(), Fault> {
        if in_a_callback() {
            return Err(Fault::new(vvx_status::Busy, "a callback cannot stop the engine, which would wait for it"));
        }
        // Whoever comes second waits for the first.
        let mut deliverer = self.deliverer.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = self.inner.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(engine) = engine {
            engine.stop();
            log(vvx_log_level::Info, "engine: stopped");
        }
        if let (Some(delivery), Some(thread)) = (&self.delivery, deliverer.take()) {
            delivery.stop();
            // It has no way to panic; one that did has ended all the same.
            let _ = thread.join();
        }
        Ok(())
    }
}

pub(crate) fn stopped() -> Fault {
    Fault::new(vvx_status::Closed, "the engine was stopped")
}
