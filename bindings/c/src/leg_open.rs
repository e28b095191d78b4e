//! How a leg begins and ends to be.

use std::ffi::c_void;
use std::sync::{Arc, PoisonError};

use veravox::{Error, ErrorKind};

use crate::delivery::in_a_callback_of;
use crate::engine::{stopped, vvx_engine};
use crate::entry::enter;
use crate::handle::{check, deref, put};
use crate::leg::vvx_leg;
use crate::leg_audio::is_allowed;
use crate::sized::{self, versioned};
use crate::status::{Fault, vvx_status};

/// What a leg is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vvx_leg_config {
    /// `sizeof(vvx_leg_config)`.
    pub struct_size: usize,
    /// Samples a second of the audio that will be pushed.
    pub sample_rate_hz: u32,
    /// 0.
    pub reserved: u32,
    /// The caller's own, handed to the callback with every event of this leg.
    pub user_data: *mut c_void,
}

versioned!(vvx_leg_config, user_data: *mut c_void);

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
        let made = Arc::new(vvx_leg::new(audio, events, engine.delivery.is_some(), config.user_data));
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
        unsafe { deref(leg) }?.strike();
        // SAFETY: it is the caller's share, by `Arc::into_raw` in `vvx_leg_open`; the tag said that it was not freed yet.
        let own = unsafe { Arc::from_raw(leg.cast_const()) };
        own.mark_freed();
        if !in_a_callback_of(leg) {
            own.inbox().give_up();
        }
        Ok(())
    })
}
