//! The audio of a leg: what the thread that brings it may call. Nothing here allocates, locks, logs or waits.

use veravox::decode::Limits;
use veravox::engine::LegAudio;
use veravox::stream::Sample;

use crate::entry::enter_realtime;
use crate::handle::{deref, put, slice};
use crate::leg::vvx_leg;
use crate::status::{Fault, vvx_status};

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

/// Whether audio of this rate is taken.
pub(crate) fn is_allowed(sample_rate_hz: u32) -> bool {
    let limits = Limits::default();
    (limits.min_sample_rate_hz..=limits.max_sample_rate_hz).contains(&sample_rate_hz)
}
