//! What a caller may choose. All zero is the core's own choice; there is no default here.

use std::ffi::{c_char, c_void};
use std::path::Path;
use std::time::Duration;

use veravox::ThresholdChanges;
use veravox::decode::{DecodeOptions, Limits, RawEncoding, RawFormat};
use veravox::engine::EngineOptions;

use crate::engine::vvx_event_callback;
use crate::handle::path;
use crate::sized::versioned;
use crate::status::{Fault, vvx_status};

/// Which of the thresholds in a `vvx_detector_config` hold.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_set {
    /// `prior` holds.
    Prior = 1,
    /// `synthetic_llr` holds.
    SyntheticLlr = 2,
    /// `bonafide_llr` holds.
    BonafideLlr = 4,
}

/// Which model, with which thresholds. All zero but `struct_size`: the built-in models with the thresholds of their manifests.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vvx_detector_config {
    /// `sizeof(vvx_detector_config)`.
    pub struct_size: usize,
    /// The name of a built-in model ("phone", "wide"), or the folder of a model of one's own. Null: the built-in models, each for
    /// audio of its rate. Read during the call only.
    pub model: *const c_char,
    /// Bits of `vvx_set`: which of the following hold; the others are the model's own.
    pub set: u32,
    /// 0.
    pub reserved: u32,
    /// Prior probability of a synthetic voice, inside (0, 1).
    pub prior: f64,
    /// A leg at or above this llr is synthetic.
    pub synthetic_llr: f64,
    /// A leg at or below this llr is bona fide.
    pub bonafide_llr: f64,
}

versioned!(vvx_detector_config, bonafide_llr: f64);

impl vvx_detector_config {
    pub fn changes(&self) -> Result<ThresholdChanges, Fault> {
        const KNOWN: u32 = 7;
        if self.set & !KNOWN != 0 || self.reserved != 0 {
            return Err(Fault::new(vvx_status::InvalidArgument, "expected bits of vvx_set, and reserved to be 0"));
        }
        let of = |bit: vvx_set, value: f64| (self.set & bit as u32 != 0).then_some(value);
        Ok(ThresholdChanges {
            prior: of(vvx_set::Prior, self.prior),
            synthetic_llr: of(vvx_set::SyntheticLlr, self.synthetic_llr),
            bonafide_llr: of(vvx_set::BonafideLlr, self.bonafide_llr),
        })
    }
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

/// How headerless audio is stored.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_encoding {
    /// The audio has a header, which says it.
    OfTheFile = 0,
    /// 16-bit integers, little-endian.
    S16le = 1,
    /// 32-bit floats in [-1, 1], little-endian.
    F32le = 2,
    /// G.711 A-law.
    Alaw = 3,
    /// G.711 mu-law.
    Mulaw = 4,
}

/// Told how far a scan is, after each piece: seconds of audio read, and in all (NaN where the header does not say). Answers 0
/// to go on; anything else ends the scan with `VVX_STATUS_CANCELLED`. Called in the thread that scans. It must not unwind.
pub type vvx_progress_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, read_seconds: f64, total_seconds: f64) -> i32>;

/// How a recording is read. All zero but `struct_size`: as its header says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vvx_scan_options {
    /// `sizeof(vvx_scan_options)`.
    pub struct_size: usize,
    /// A `vvx_encoding`, for headerless audio; the next two are needed then, and 0 otherwise.
    pub encoding: i32,
    /// Samples a second of one channel, of headerless audio.
    pub sample_rate_hz: u32,
    /// Channels, interleaved, of headerless audio.
    pub channels: u32,
    /// 0.
    pub reserved: u32,
    /// Longer recordings are refused; 0: longer than 24 hours.
    pub max_duration_seconds: f64,
    /// Told how far the scan is; may be null.
    pub on_progress: vvx_progress_callback,
    /// The caller's own, handed to `on_progress`.
    pub user_data: *mut c_void,
}

versioned!(vvx_scan_options, user_data: *mut c_void);

impl vvx_scan_options {
    pub fn decode_options(&self) -> Result<DecodeOptions, Fault> {
        let refused = |words| Err(Fault::new(vvx_status::InvalidArgument, words));
        let of = |encoding: vvx_encoding| self.encoding == encoding as i32;
        let encoding = match () {
            () if of(vvx_encoding::OfTheFile) => None,
            () if of(vvx_encoding::S16le) => Some(RawEncoding::PcmS16Le),
            () if of(vvx_encoding::F32le) => Some(RawEncoding::PcmF32Le),
            () if of(vvx_encoding::Alaw) => Some(RawEncoding::Alaw),
            () if of(vvx_encoding::Mulaw) => Some(RawEncoding::Mulaw),
            () => return refused("expected an encoding out of vvx_encoding"),
        };
        let raw = match encoding {
            None if self.sample_rate_hz != 0 || self.channels != 0 => {
                return refused("the file says its own sample_rate_hz and channels: leave them 0, or name an encoding");
            }
            None => None,
            Some(_) if self.sample_rate_hz == 0 || self.channels == 0 => {
                return refused("headerless audio needs its sample_rate_hz and channels");
            }
            Some(encoding) => {
                Some(RawFormat { encoding, sample_rate_hz: self.sample_rate_hz, channels: self.channels as usize })
            }
        };
        let mut limits = Limits::default();
        if self.max_duration_seconds != 0.0 {
            if self.max_duration_seconds.is_nan() || self.max_duration_seconds < 0.0 {
                return refused("expected max_duration_seconds above 0, or 0 for the default");
            }
            limits.max_duration_seconds = self.max_duration_seconds;
        }
        Ok(DecodeOptions { raw, limits })
    }
}

/// The model that a config names, if it names one.
///
/// # Safety
/// As [`path`], where it is not null.
pub(crate) unsafe fn model<'a>(name: *const c_char) -> Result<Option<&'a Path>, Fault> {
    if name.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's word.
    unsafe { path(name) }.map(Some)
}
