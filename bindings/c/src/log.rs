//! The caller's log. Nothing is printed by the library itself.

use std::ffi::{CString, c_char, c_void};
use std::sync::{Once, PoisonError, RwLock};

/// How grave a line of the log is.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_log_level {
    /// A bug in veravox.
    Error = 1,
    /// A call failed, a leg failed.
    Warning = 2,
    /// Which models and which runtime, engines that start and stop.
    Info = 3,
}

/// Takes a line of the log, which holds no audio and nothing of a call. Called in the thread that has the news, never from a
/// function that is real-time safe; several threads may call it at once. It must not unwind, and call nothing of veravox.
pub type vvx_log_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, level: vvx_log_level, message: *const c_char)>;

struct Log {
    callback: vvx_log_callback,
    user_data: *mut c_void,
    level: i32,
}

// SAFETY: the pointer is the caller's own, whose callback is documented to be called by several threads.
unsafe impl Send for Log {}
// SAFETY: as above.
unsafe impl Sync for Log {}

static LOG: RwLock<Log> = RwLock::new(Log { callback: None, user_data: std::ptr::null_mut(), level: 0 });
static PANICS_ARE_LOGGED: Once = Once::new();

/// Lines of `level` and graver go to `callback` from here on; nobody is in the old one any more.
pub(crate) fn send_to(callback: vvx_log_callback, user_data: *mut c_void, level: i32) {
    *LOG.write().unwrap_or_else(PoisonError::into_inner) = Log { callback, user_data, level };
}

pub(crate) fn log(level: vvx_log_level, words: &str) {
    let log = LOG.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(callback) = log.callback
        && level as i32 <= log.level
    {
        let words = CString::new(words.replace('\0', " ")).unwrap_or_default();
        // SAFETY: good for every thread by the caller's word, and not taken back while the lock is held.
        unsafe { callback(log.user_data, level, words.as_ptr()) };
    }
}

/// A panic is told to the log, not printed: standard error belongs to the program. The standard library is one of our own, so
/// that no hook of another's is replaced.
pub(crate) fn log_panics() {
    PANICS_ARE_LOGGED.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let words = info.payload_as_str().unwrap_or("a panic without words");
            log(vvx_log_level::Error, &format!("a bug in veravox at {place}: {words}"));
        }));
    });
}
