//! Recordings, whole.

use std::ffi::{CString, c_char, c_void};
use std::io::Cursor;

use veravox::decode::{AudioReader, DecodeOptions, Limits, RawEncoding, RawFormat};
use veravox::report::CallReport;

use crate::detector::vvx_detector;
use crate::entry::enter;
use crate::handle::{Handle, Tag, check, deref, path, put, slice, text};
use crate::json::to_json;
use crate::sized::{self, versioned};
use crate::status::{Fault, vvx_status};
use crate::verdict::vvx_verdict;

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
    /// GSM 06.10 full rate, 33 bytes for 20 ms of 8,000 Hz.
    Gsm = 5,
    /// G.722 at 64 kbit/s, of 16,000 Hz.
    G722 = 6,
    /// G.729 or G.729A, 10 bytes for 10 ms of 8,000 Hz.
    G729 = 7,
    /// G.726 at 16 kbit/s, the first sample in the low bits, as in RTP (RFC 3551).
    G726At16 = 8,
    /// G.726 at 24 kbit/s, likewise.
    G726At24 = 9,
    /// G.726 at 32 kbit/s, likewise.
    G726At32 = 10,
    /// G.726 at 40 kbit/s, likewise.
    G726At40 = 11,
    /// G.726 at 16 kbit/s, the first sample in the high bits (ITU-T I.366.2).
    Aal2G726At16 = 12,
    /// G.726 at 24 kbit/s, likewise.
    Aal2G726At24 = 13,
    /// G.726 at 32 kbit/s, likewise.
    Aal2G726At32 = 14,
    /// G.726 at 40 kbit/s, likewise.
    Aal2G726At40 = 15,
    /// Dialogic VOX: OKI ADPCM of 4 bits, of 8,000 or 6,000 Hz.
    Vox = 16,
}

/// What each is in the library.
const ENCODINGS: [(vvx_encoding, RawEncoding); 16] = [
    (vvx_encoding::S16le, RawEncoding::PcmS16Le),
    (vvx_encoding::F32le, RawEncoding::PcmF32Le),
    (vvx_encoding::Alaw, RawEncoding::Alaw),
    (vvx_encoding::Mulaw, RawEncoding::Mulaw),
    (vvx_encoding::Gsm, RawEncoding::Gsm),
    (vvx_encoding::G722, RawEncoding::G722),
    (vvx_encoding::G729, RawEncoding::G729),
    (vvx_encoding::G726At16, RawEncoding::G726At16),
    (vvx_encoding::G726At24, RawEncoding::G726At24),
    (vvx_encoding::G726At32, RawEncoding::G726At32),
    (vvx_encoding::G726At40, RawEncoding::G726At40),
    (vvx_encoding::Aal2G726At16, RawEncoding::Aal2G726At16),
    (vvx_encoding::Aal2G726At24, RawEncoding::Aal2G726At24),
    (vvx_encoding::Aal2G726At32, RawEncoding::Aal2G726At32),
    (vvx_encoding::Aal2G726At40, RawEncoding::Aal2G726At40),
    (vvx_encoding::Vox, RawEncoding::Vox),
];

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
    /// Channels, interleaved, of headerless audio; of all but PCM and G.711 there is one.
    pub channels: u32,
    /// 0.
    pub reserved: u32,
    /// Longer recordings are refused; 0: longer than 24 hours.
    pub max_duration_seconds: f64,
    /// Told how far the scan is; may be null.
    pub on_progress: vvx_progress_callback,
    /// The caller's own, handed to `on_progress`.
    pub user_data: *mut c_void,
    /// What payload types mean in a capture of packets whose signalling does not say it, or says it wrong: texts as
    /// "96=opus/48000" and, of AMR whose fields begin at whole bytes, "97=AMR/8000;octet-align=1". Read during the call only.
    pub rtp_map: *const *const c_char,
    /// How many texts `rtp_map` has.
    pub n_rtp_map: usize,
}

versioned!(vvx_scan_options, user_data: *mut c_void);

impl vvx_scan_options {
    /// What this says, in the library's words.
    ///
    /// # Safety
    /// `rtp_map` must be null where `n_rtp_map` is 0, or so many texts that end with a zero.
    unsafe fn decode_options(&self) -> Result<DecodeOptions, Fault> {
        let refused = |words| Err(Fault::new(vvx_status::InvalidArgument, words));
        let named = ENCODINGS.iter().find(|(number, _)| *number as i32 == self.encoding).map(|(_, encoding)| *encoding);
        let encoding = match named {
            None if self.encoding != vvx_encoding::OfTheFile as i32 => {
                return refused("expected an encoding out of vvx_encoding");
            }
            named => named,
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
        // SAFETY: the caller's word.
        let texts = unsafe { slice(self.rtp_map, self.n_rtp_map) }?;
        let mut rtp_map = Vec::new();
        for one in texts {
            // SAFETY: the caller's word.
            rtp_map.push(unsafe { text(*one) }?.parse()?);
        }
        Ok(DecodeOptions { raw, limits, rtp_map })
    }
}

/// The report on a recording. Immutable; any number of threads may read it at once.
#[cfg_attr(not(cbindgen), repr(C))]
pub struct vvx_report {
    tag: Tag,
    json: CString,
    legs: Vec<vvx_verdict>,
}

// SAFETY: `repr(C)`, with its tag first.
unsafe impl Handle for vvx_report {
    const KIND: u64 = u64::from_le_bytes(*b"report\0\0");
}

/// Scores a recording in a file: any kind of docs/reference/formats.md, as its content says, a capture of packets (pcap, pcapng),
/// or headerless audio of a `vvx_encoding`. Each channel is a leg of its own, and so is each stream of a capture. Not real-time safe: it reads the file and does all the work in this thread.
///
/// `options` may be null. `report` is set to null where it fails.
///
/// # Safety
/// `detector` must be alive, `path` a text that ends with a zero, `options` null or to a whole structure, `report` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_scan_file(
    detector: *const vvx_detector,
    path: *const c_char,
    options: *const vvx_scan_options,
    report: *mut *mut vvx_report,
) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        unsafe { put(report, std::ptr::null_mut()) }?;
        // SAFETY: the caller's word.
        let (detector, path) = unsafe { (deref(detector)?, self::path(path)?) };
        // SAFETY: the caller's word.
        let options = unsafe { sized::read(options) }?;
        // SAFETY: the caller's word.
        let mut reader = AudioReader::open(path, &unsafe { options.decode_options() }?)?;
        let made = scan(detector, &mut reader, &options)?;
        // SAFETY: the caller's word.
        unsafe { put(report, made) }
    })
}

/// Scores a recording in memory: the bytes of a file, or headerless audio. As `vvx_scan_file`; the bytes are read during the
/// call only, and not copied.
///
/// # Safety
/// As `vvx_scan_file`; `bytes` must be `n_bytes` long, and nobody may change them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_scan_memory(
    detector: *const vvx_detector,
    bytes: *const u8,
    n_bytes: usize,
    options: *const vvx_scan_options,
    report: *mut *mut vvx_report,
) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        unsafe { put(report, std::ptr::null_mut()) }?;
        // SAFETY: the caller's word.
        let detector = unsafe { deref(detector) }?;
        // SAFETY: the caller's word for the length of this call. The reader, which wants to keep what it reads for ever, is
        // dropped before the call returns, and hands none of the bytes on: chunks and reports are its own.
        let bytes: &'static [u8] = unsafe { slice(bytes, n_bytes) }?;
        // SAFETY: the caller's word.
        let options = unsafe { sized::read(options) }?;
        // SAFETY: the caller's word.
        let decode_options = unsafe { options.decode_options() }?;
        let mut reader = AudioReader::from_source(Box::new(Cursor::new(bytes)), n_bytes as u64, None, &decode_options)?;
        let made = scan(detector, &mut reader, &options)?;
        // SAFETY: the caller's word.
        unsafe { put(report, made) }
    })
}

fn scan(
    detector: &vvx_detector,
    reader: &mut AudioReader,
    options: &vvx_scan_options,
) -> Result<*mut vvx_report, Fault> {
    let report = detector.inner.scan_reader(reader, &mut |progress| {
        options.on_progress.is_none_or(|on_progress| {
            let total_seconds = progress.total_seconds.unwrap_or(f64::NAN);
            // SAFETY: the caller's own function, with the caller's own data.
            unsafe { on_progress(options.user_data, progress.read_seconds, total_seconds) == 0 }
        })
    })?;
    let CallReport { legs, .. } = &report;
    let legs = legs.iter().map(vvx_verdict::from).collect();
    let made = vvx_report { tag: Tag::new(vvx_report::KIND), json: to_json(&report)?, legs };
    Ok(Box::into_raw(Box::new(made)))
}

/// The report as JSON, in the form of `report.schema.json`. `json` is valid until the report is freed. Real-time safe.
///
/// # Safety
/// `report` must be alive, `json` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_report_json(report: *const vvx_report, json: *mut *const c_char) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        unsafe { put(json, deref(report)?.json.as_ptr()) }
    })
}

/// How many legs the recording has. Real-time safe.
///
/// # Safety
/// `report` must be alive, `n_legs` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_report_n_legs(report: *const vvx_report, n_legs: *mut usize) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        unsafe { put(n_legs, deref(report)?.legs.len()) }
    })
}

/// The verdict on a leg, counted from 0. Real-time safe.
///
/// # Safety
/// `report` must be alive, `verdict` to a whole structure whose `struct_size` is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_report_verdict(
    report: *const vvx_report,
    leg: usize,
    verdict: *mut vvx_verdict,
) -> vvx_status {
    enter(|| {
        // SAFETY: the caller's word.
        let legs = &unsafe { deref(report) }?.legs;
        let none = || Fault::new(vvx_status::InvalidArgument, "the recording has no leg of this number");
        // SAFETY: the caller's word.
        unsafe { sized::write(verdict, *legs.get(leg).ok_or_else(none)?) }
    })
}

/// Frees a report; null is fine. Not real-time safe.
///
/// # Safety
/// Nobody must use it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_report_free(report: *mut vvx_report) -> vvx_status {
    enter(|| {
        if report.is_null() {
            return Ok(());
        }
        check(report)?;
        // SAFETY: the caller's word.
        unsafe { deref(report) }?.tag.strike();
        // SAFETY: it was made by `Box::into_raw` in `scan`, and its tag says that it was not freed yet.
        drop(unsafe { Box::from_raw(report) });
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_the_library_reads_without_a_header_has_a_number() {
        for encoding in RawEncoding::ALL {
            assert!(ENCODINGS.iter().any(|(_, known)| *known == encoding), "{}", encoding.name());
        }
    }
}
