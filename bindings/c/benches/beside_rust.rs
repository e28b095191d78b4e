//! What the C ABI costs beside the Rust calls that it makes: `cargo build --release && cargo bench --bench beside_rust`.
//!
//! The library is loaded from where it was built, as a program would, and both sides do the same work in turns in one process:
//! the time of a push of 20 ms, and the processor time of 200 legs of speech from opening to verdict.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a benchmark is for people, and fails aloud"
)]
#![allow(missing_docs, reason = "a program")]

use std::ffi::{CString, c_char, c_void};
use std::mem::transmute_copy;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use veravox::Detector;
use veravox::decode::{AudioReader, DecodeOptions};
use veravox::engine::{Engine, EngineOptions, LiveLeg};
use veravox::runtime::{Runtime, RuntimeChoice};

const FRAME: usize = 160;
const LEGS: usize = 200;
const PUSHES: usize = 20_000;
/// As long as there is: nothing is shed, so that both sides do the same.
const LONGEST: Duration = Duration::from_mins(1);

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: i32) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn clock_gettime(clock: i32, time: *mut [i64; 2]) -> i32;
}

/// `vvx_engine_config` and `vvx_leg_config` as the header has them.
#[repr(C)]
struct EngineConfig {
    struct_size: usize,
    numbers: [u32; 10],
    on_event: Option<extern "C" fn(*mut c_void, *mut c_void, *const c_void)>,
}

#[repr(C)]
struct LegConfig {
    struct_size: usize,
    sample_rate_hz: u32,
    reserved: u32,
    user_data: *mut c_void,
}

extern "C" fn on_event(_user_data: *mut c_void, _leg: *mut c_void, _event: *const c_void) {}

type Out = *mut *mut c_void;

struct Library {
    push: unsafe extern "C" fn(*mut c_void, *const i16, usize, *mut usize) -> i32,
    open: unsafe extern "C" fn(*mut c_void, *const LegConfig, Out) -> i32,
    finish: unsafe extern "C" fn(*mut c_void, u32, *mut [u64; 16]) -> i32,
    free: unsafe extern "C" fn(*mut c_void) -> i32,
    engine: *mut c_void,
}

fn function<T>(library: *mut c_void, name: &str) -> T {
    let name_c = CString::new(name).unwrap();
    // SAFETY: the library is open; the types are those of the header.
    unsafe {
        let found = dlsym(library, name_c.as_ptr());
        assert!(!found.is_null(), "{name} is not in the library");
        transmute_copy(&found)
    }
}

impl Library {
    fn load() -> Self {
        let path = std::env::current_exe().unwrap().parent().and_then(Path::parent).unwrap().join("libveravox.so");
        let path = CString::new(path.into_os_string().into_encoded_bytes()).unwrap();
        // SAFETY: as in C.
        let library = unsafe { dlopen(path.as_ptr(), 2) };
        assert!(!library.is_null(), "there is no {path:?}: cargo build --release");
        let select: unsafe extern "C" fn(i32, *const c_char) -> i32 = function(library, "vvx_runtime_select");
        let new: unsafe extern "C" fn(*const c_void, Out) -> i32 = function(library, "vvx_detector_new");
        let start: unsafe extern "C" fn(*mut c_void, *const EngineConfig, Out) -> i32 =
            function(library, "vvx_engine_start");
        let (mut detector, mut engine) = (null_mut(), null_mut());
        let ms = u32::try_from(LONGEST.as_millis()).unwrap();
        // workers, max_legs, buffer_ms, max_delay_ms
        let numbers = [0, 0, ms, ms, 0, 0, 0, 0, 0, 0];
        let config = EngineConfig { struct_size: size_of::<EngineConfig>(), numbers, on_event: Some(on_event) };
        // SAFETY: as in C.
        unsafe {
            assert_eq!(select(1, null()), 0);
            assert_eq!(new(null(), &raw mut detector), 0);
            assert_eq!(start(detector, &raw const config, &raw mut engine), 0);
        }
        Self {
            push: function(library, "vvx_leg_push"),
            open: function(library, "vvx_leg_open"),
            finish: function(library, "vvx_leg_finish"),
            free: function(library, "vvx_leg_free"),
            engine,
        }
    }

    fn leg(&self) -> *mut c_void {
        let mut leg = null_mut();
        let struct_size = size_of::<LegConfig>();
        let config = LegConfig { struct_size, sample_rate_hz: 8_000, reserved: 0, user_data: null_mut() };
        // SAFETY: as in C.
        assert_eq!(unsafe { (self.open)(self.engine, &raw const config, &raw mut leg) }, 0);
        leg
    }

    fn push(&self, leg: *mut c_void, frame: &[i16]) {
        // SAFETY: as in C.
        unsafe { (self.push)(leg, frame.as_ptr(), frame.len(), null_mut()) };
    }

    fn finish(&self, leg: *mut c_void) {
        let mut verdict = [0; 16];
        // `struct_size`: 8 bytes for it, 6 numbers of 4, 8 of 8.
        verdict[0] = 96;
        // SAFETY: as in C.
        unsafe {
            assert_eq!((self.finish)(leg, 600_000, &raw mut verdict), 0);
            (self.free)(leg);
        }
    }
}

/// Seconds of processor time that this process has spent.
fn processor_seconds() -> f64 {
    let mut time = [0; 2];
    // SAFETY: CLOCK_PROCESS_CPUTIME_ID, into a `struct timespec` of two 64-bit numbers.
    unsafe { clock_gettime(2, &raw mut time) };
    time[0] as f64 + time[1] as f64 * 1e-9
}

fn percentile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6
}

fn push_times(library: &Library, engine: &Engine, speech: &[i16]) {
    let (mut rust, c) = (engine.open(8_000).unwrap(), library.leg());
    let (mut in_rust, mut in_c) = (Vec::new(), Vec::new());
    for frame in speech.chunks_exact(FRAME).cycle().take(PUSHES) {
        let started = Instant::now();
        rust.push(frame);
        in_rust.push(started.elapsed());
        let started = Instant::now();
        library.push(c, frame);
        in_c.push(started.elapsed());
        std::thread::sleep(Duration::from_micros(500));
    }
    rust.finish(Duration::from_mins(10)).unwrap();
    library.finish(c);
    for share in [0.5, 0.99, 0.999] {
        let (of_rust, of_c) = (percentile(&mut in_rust, share), percentile(&mut in_c, share));
        println!("push of 20 ms, p{:<5} Rust {of_rust:6.2} µs, C {of_c:6.2} µs", share * 100.0);
    }
}

fn legs_in_rust(engine: &Engine, speech: &[i16]) -> f64 {
    let before = processor_seconds();
    let mut legs: Vec<LiveLeg> = (0..LEGS).map(|_| engine.open(8_000).unwrap()).collect();
    for frame in speech.chunks_exact(FRAME) {
        for leg in &mut legs {
            leg.push(frame);
            while leg.poll().is_some() {}
        }
    }
    for leg in legs {
        leg.finish(Duration::from_mins(10)).unwrap();
    }
    processor_seconds() - before
}

fn legs_in_c(library: &Library, speech: &[i16]) -> f64 {
    let before = processor_seconds();
    let legs: Vec<_> = (0..LEGS).map(|_| library.leg()).collect();
    for frame in speech.chunks_exact(FRAME) {
        for leg in &legs {
            library.push(*leg, frame);
        }
    }
    for leg in legs {
        library.finish(leg);
    }
    processor_seconds() - before
}

fn main() {
    Runtime::select(&RuntimeChoice::BuiltIn).unwrap();
    let call = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/calls/03-bank-card.alaw.wav");
    let mut reader = AudioReader::open(call.as_ref(), &DecodeOptions::default()).unwrap();
    let speech: Vec<i16> =
        reader.read_to_end().unwrap().remove(0).iter().map(|sample| (sample * 32_768.0) as i16).collect();
    let options = EngineOptions { buffer: LONGEST, max_delay: LONGEST, ..EngineOptions::default() };
    let engine = Engine::start(Detector::builtin().unwrap(), options).unwrap();
    let library = Library::load();

    push_times(&library, &engine, &speech);
    let (mut rust, mut c) = (0.0, 0.0);
    for round in 0..5 {
        let (in_rust, in_c) = (legs_in_rust(&engine, &speech), legs_in_c(&library, &speech));
        println!("{LEGS} legs, round {round}: Rust {in_rust:.2} s of processor, C {in_c:.2} s");
        // The first round warms both up.
        if round > 0 {
            (rust, c) = (rust + in_rust, c + in_c);
        }
    }
    println!("{LEGS} legs: C takes {:+.1} % of processor time beside Rust", (c / rust - 1.0) * 100.0);
}
