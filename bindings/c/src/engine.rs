//! Many calls at once.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use veravox::engine::{Engine, EngineOptions};

use crate::delivery::{Delivery, in_a_callback, vvx_event_callback};
use crate::detector::vvx_detector;
use crate::entry::enter;
use crate::handle::{Handle, Tag, check, deref, put};
use crate::log::{log, log_panics, vvx_log_level};
use crate::sized::{self, versioned};
use crate::status::{Fault, vvx_status};

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

/// How an engine works. All zero but `struct_size`: good for calls of 20 ms packets, on every core of the machine; events are
/// polled.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vvx_engine_config {
    /// `sizeof(vvx_engine_config)`.
    pub struct_size: usize,
    /// Threads that score; 0: as many as there are cores.
    pub workers: u32,
    /// Legs that are open at once, beyond which the next is refused; 0: 4,096.
    pub max_legs: u32,
    /// Audio that a leg can hold while its worker is busy, in milliseconds, 100 to 60,000; 0: 1,000.
    pub buffer_ms: u32,
    /// How long a window waits for its score at most, in milliseconds; 0: 750. One that waits longer is shed.
    pub max_delay_ms: u32,
    /// Windows that are scored together at most, 1 to 256; 0: 4.
    pub batch: u32,
    /// Events that a leg keeps until they are fetched, 1 to 65,536; 0: 24. A verdict always finds room.
    pub max_events: u32,
    /// Milliseconds of speech between two scores, from 100 up to the length of a window; 0: 1,000.
    pub update_ms: u32,
    /// A first look after so many milliseconds of speech; 0: 3,000.
    pub first_look_ms: u32,
    /// Scored windows that the report at a leg's end lists; 0: 300.
    pub max_windows_kept: u32,
    /// 0.
    pub reserved: u32,
    /// Takes the events of every leg, in a thread of the engine's own. Null: events are fetched by `vvx_leg_poll`.
    pub on_event: vvx_event_callback,
}

versioned!(vvx_engine_config, on_event: vvx_event_callback);

impl vvx_engine_config {
    pub fn options(&self) -> EngineOptions {
        let default = EngineOptions::default();
        let count = |value: u32, default: usize| if value == 0 { default } else { value as usize };
        let time = |ms: u32, default: Duration| if ms == 0 { default } else { Duration::from_millis(u64::from(ms)) };
        let seconds = |ms: u32, default: Option<f64>| if ms == 0 { default } else { Some(f64::from(ms) / 1_000.0) };
        let mut stream = default.stream;
        stream.update_seconds = seconds(self.update_ms, stream.update_seconds);
        stream.first_look_seconds = seconds(self.first_look_ms, stream.first_look_seconds);
        stream.max_windows_kept = count(self.max_windows_kept, stream.max_windows_kept);
        EngineOptions {
            workers: count(self.workers, default.workers),
            max_legs: count(self.max_legs, default.max_legs),
            buffer: time(self.buffer_ms, default.buffer),
            max_delay: time(self.max_delay_ms, default.max_delay),
            batch: count(self.batch, default.batch),
            max_events: count(self.max_events, default.max_events),
            stream,
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_the_cores_defaults() {
        let header = include_str!("../include/veravox/veravox.h");
        let core = EngineOptions::default();
        let grouped = |n: u128| if n < 1_000 { n.to_string() } else { format!("{},{:03}", n / 1_000, n % 1_000) };
        let seconds = |s: Option<f64>| Duration::from_secs_f64(s.unwrap_or_default()).as_millis();
        for (field, default) in [
            ("max_legs", core.max_legs as u128),
            ("buffer_ms", core.buffer.as_millis()),
            ("max_delay_ms", core.max_delay.as_millis()),
            ("batch", core.batch as u128),
            ("max_events", core.max_events as u128),
            ("update_ms", seconds(core.stream.update_seconds)),
            ("first_look_ms", seconds(core.stream.first_look_seconds)),
            ("max_windows_kept", core.stream.max_windows_kept as u128),
        ] {
            let (before, _) = header.split_once(&format!("    uint32_t {field};")).unwrap_or_default();
            let (_, comment) = before.rsplit_once(';').unwrap_or_default();
            let says = format!("0: {}", grouped(default));
            assert!(comment.replace("\n    // ", " ").contains(&says), "{field}: {says} is not in {comment}");
        }
    }
}
