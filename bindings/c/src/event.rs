//! News of a leg.

use std::ffi::c_char;

use crate::sized::versioned;
use crate::verdict::vvx_verdict;

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

impl vvx_event {
    /// Nothing new.
    pub const NONE: Self = Self {
        struct_size: 0,
        kind: vvx_event_kind::None,
        reason: 0,
        start_seconds: f64::NAN,
        end_seconds: f64::NAN,
        llr: f64::NAN,
        verdict: std::ptr::null(),
        text: std::ptr::null(),
    };
}
