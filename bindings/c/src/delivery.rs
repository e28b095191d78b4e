//! The thread that hands events to a callback.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use crate::event::vvx_event;
use crate::leg::vvx_leg;
use crate::status::{Fault, vvx_status};

/// How often it looks for events, while there are legs.
const LOOK_EVERY: Duration = Duration::from_millis(20);

thread_local! {
    /// The leg whose callback runs in this thread.
    static DELIVERING: Cell<*const vvx_leg> = const { Cell::new(std::ptr::null()) };
}

/// Takes the events of the legs of an engine, one after the other, in one thread that the engine has for this. It may take its
/// time: audio and scores do not wait for it, later events do. It may call everything but `vvx_leg_poll`, `vvx_leg_finish`,
/// `vvx_engine_stop` and `vvx_engine_free`; `vvx_leg_free` of the very leg is fine, too. It must not unwind (no C++ exception).
pub type vvx_event_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, leg: *mut vvx_leg, event: *const vvx_event)>;

/// A delivery and its thread.
type Started = (Arc<Delivery>, JoinHandle<()>);

/// The legs whose events a callback takes.
pub(crate) struct Delivery {
    callback: unsafe extern "C" fn(*mut c_void, *mut vvx_leg, *const vvx_event),
    legs: Mutex<Vec<Arc<vvx_leg>>>,
    stopping: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Delivery {
    /// A thread for a callback, where there is one.
    pub fn start(callback: vvx_event_callback) -> Result<Option<Started>, Fault> {
        let Some(callback) = callback else { return Ok(None) };
        let delivery = Arc::new(Self {
            callback,
            legs: Mutex::default(),
            stopping: AtomicBool::new(false),
            thread: OnceLock::new(),
        });
        let its = Arc::clone(&delivery);
        let thread = std::thread::Builder::new()
            .name("veravox-events".to_owned())
            .spawn(move || its.run())
            .map_err(|_| Fault::new(vvx_status::Runtime, "cannot start a thread"))?;
        delivery.thread.get_or_init(|| thread.thread().clone());
        Ok(Some((delivery, thread)))
    }

    pub fn add(&self, leg: Arc<vvx_leg>) {
        self.legs().push(leg);
        self.wake();
    }

    /// After the workers have ended: what they said last is delivered, then the thread ends.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn legs(&self) -> MutexGuard<'_, Vec<Arc<vvx_leg>>> {
        self.legs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut legs = Vec::new();
        loop {
            // Looked at first: whatever was said before it was set is delivered in this round.
            let stopping = self.stopping.load(Ordering::Acquire);
            // The list is not held while callbacks run, which may open legs.
            legs.extend(self.legs().iter().cloned());
            let n_legs = legs.len();
            for leg in legs.drain(..) {
                self.deliver(&leg);
            }
            self.legs().retain(|leg| !leg.is_done());
            if stopping {
                return;
            }
            if n_legs == 0 {
                std::thread::park();
            } else {
                std::thread::park_timeout(LOOK_EVERY);
            }
        }
    }

    fn deliver(&self, leg: &Arc<vvx_leg>) {
        let handle = Arc::as_ptr(leg);
        // Held meanwhile: who frees the leg from another thread waits until its callback has returned.
        let mut inbox = leg.inbox();
        DELIVERING.set(handle);
        while !leg.is_freed()
            && let Some(event) = inbox.next(leg)
        {
            // SAFETY: the caller's own function. The leg lives: this thread holds it, too.
            unsafe { (self.callback)(leg.user_data(), handle.cast_mut(), &raw const event) };
        }
        DELIVERING.set(std::ptr::null());
        if leg.is_freed() {
            inbox.give_up();
        }
    }
}

/// Whether this thread runs a callback.
pub(crate) fn in_a_callback() -> bool {
    !DELIVERING.get().is_null()
}

/// Whether this thread runs the callback of this leg.
pub(crate) fn in_a_callback_of(leg: *const vvx_leg) -> bool {
    DELIVERING.get() == leg
}
