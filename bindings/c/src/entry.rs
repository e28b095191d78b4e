//! What stands around every function: no panic leaves it, and what went wrong is written down.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::log::{log, log_panics, send_to, vvx_log_callback, vvx_log_level};
use crate::status::{Fault, vvx_status};

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Runs what a function does. A panic ends here; what went wrong can be asked for by [`vvx_last_error`].
pub(crate) fn enter(work: impl FnOnce() -> Result<(), Fault>) -> vvx_status {
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        // Its destructor may panic in turn.
        std::mem::forget(payload);
        Err(Fault::new(vvx_status::Panic, "a bug in veravox, which the log tells more of"))
    });
    let Err(Fault { status, words }) = done else { return vvx_status::Ok };
    // The caller's log may panic no more than the work: it is C.
    log(vvx_log_level::Warning, &words);
    let words = CString::new(words.replace('\0', " ")).unwrap_or_default();
    // A thread that is going away has no last error any more.
    let _ = LAST.try_with(|last| last.replace(words));
    status
}

/// As [`enter`], where no memory may be taken, no lock, and no log be written: only the code comes back.
pub(crate) fn enter_realtime(work: impl FnOnce() -> Result<(), Fault>) -> vvx_status {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => vvx_status::Ok,
        Ok(Err(fault)) => fault.status,
        Err(payload) => {
            std::mem::forget(payload);
            vvx_status::Panic
        }
    }
}

/// What the last call of this thread that failed says to people: what was expected, what came. Empty where none failed. It
/// holds no audio and nothing of a call. Valid until the next call that fails in this thread. Real-time safe functions leave
/// it as it is.
#[unsafe(no_mangle)]
pub extern "C" fn vvx_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// Sends the log of this process to `callback`: lines of `level` and graver. Null ends it: when this returns, no thread is in
/// the old callback any more. Not real-time safe: it waits for lines that are being written.
///
/// # Safety
/// The callback must be good for every thread until it is taken back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_set_log(callback: vvx_log_callback, user_data: *mut c_void, level: i32) -> vvx_status {
    enter(|| {
        log_panics();
        send_to(callback, user_data, level);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "what is tested is that it goes no further")]

    use std::ffi::CStr;

    use super::*;

    #[test]
    fn a_panic_ends_at_the_border() {
        log_panics();
        assert_eq!(enter(|| panic!("a bug")), vvx_status::Panic);
        // SAFETY: it is a text, and no call of this thread fails meanwhile.
        let last = unsafe { CStr::from_ptr(vvx_last_error()) };
        assert!(last.to_string_lossy().contains("bug in veravox"));
        assert_eq!(enter_realtime(|| panic!("a bug")), vvx_status::Panic);
    }

    #[test]
    fn a_payload_whose_destructor_panics_ends_there_too() {
        struct Spiteful;
        impl Drop for Spiteful {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        log_panics();
        assert_eq!(enter(|| std::panic::panic_any(Spiteful)), vvx_status::Panic);
    }

    #[test]
    fn what_went_wrong_is_written_down_for_its_own_thread() {
        assert_eq!(enter(|| Err(Fault::new(vvx_status::Timeout, "late\0r"))), vvx_status::Timeout);
        let words = || {
            // SAFETY: it is a text, and no call of this thread fails meanwhile.
            unsafe { CStr::from_ptr(vvx_last_error()) }.to_string_lossy().into_owned()
        };
        assert_eq!(words(), "late r");
        assert_eq!(enter_realtime(|| Err(Fault::new(vvx_status::Busy, "busy"))), vvx_status::Busy);
        assert_eq!(words(), "late r");
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(words(), ""));
        });
    }
}
