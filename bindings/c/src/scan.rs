//! Recordings, whole.

use std::ffi::{CString, c_char};
use std::io::Cursor;

use veravox::decode::AudioReader;
use veravox::report::CallReport;

use crate::detector::vvx_detector;
use crate::handle::{Handle, Tag, check, deref, path, put, slice};
use crate::options::vvx_scan_options;
use crate::sized;
use crate::status::{Fault, enter, vvx_status};
use crate::verdict::vvx_verdict;

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

/// Scores a recording in a file: WAV, FLAC, MP3, AAC, Ogg Vorbis, AIFF, CAF, Matroska, or headerless G.711 and PCM. Each channel
/// is a leg of its own. Not real-time safe: it reads the file and does all the work in this thread.
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
        let mut reader = AudioReader::open(path, &options.decode_options()?)?;
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
        let mut reader =
            AudioReader::from_source(Box::new(Cursor::new(bytes)), n_bytes as u64, None, &options.decode_options()?)?;
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

/// Anything that has a form in JSON, as text.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<CString, Fault> {
    let unwritable = |_| Fault::new(vvx_status::Other, "the report cannot be written as JSON");
    let text = serde_json::to_string(value).map_err(unwritable)?;
    // A zero is written as an escape in JSON.
    CString::new(text).map_err(|_| Fault::new(vvx_status::Other, "the report holds a zero byte"))
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
