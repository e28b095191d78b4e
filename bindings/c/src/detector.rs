//! Models with their settings.

use std::ffi::c_char;
use std::path::Path;

use veravox::decide::DecisionCosts;
use veravox::runtime::{Runtime, RuntimeChoice};
use veravox::{CalibrationSource, Detector, DetectorOptions, ThresholdChanges};

use crate::entry::enter;
use crate::handle::{Handle, Tag, check, deref, path, put};
use crate::log::{log, log_panics, vvx_log_level};
use crate::sized::{self, versioned};
use crate::status::{Fault, vvx_status};

/// A model with its settings. Immutable; any number of threads may use it at once.
#[cfg_attr(not(cbindgen), repr(C))]
pub struct vvx_detector {
    tag: Tag,
    pub(crate) inner: Detector,
}

// SAFETY: `repr(C)`, with its tag first.
unsafe impl Handle for vvx_detector {
    const KIND: u64 = u64::from_le_bytes(*b"detector");
}

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
    /// `target_false_alarm` holds.
    TargetFalseAlarm = 8,
    /// `cost_false_alarm` holds.
    CostFalseAlarm = 16,
    /// `cost_miss` holds.
    CostMiss = 32,
    /// `cost_undecided` holds.
    CostUndecided = 64,
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
    /// The file of this site's calibration, as `veravox calibrate` writes it. Null: none. One that was made for another model is
    /// refused. Read during the call only.
    pub calibration: *const c_char,
    /// At most this share of the site's people is called synthetic, inside (0, 1); needs a calibration.
    pub target_false_alarm: f64,
    /// Cost of calling a person synthetic, in any one unit. Where one cost is set the thresholds follow from prior and costs; those
    /// not set are 1, and 0.15 for no verdict.
    pub cost_false_alarm: f64,
    /// Cost of calling a machine bona fide.
    pub cost_miss: f64,
    /// Cost of no verdict.
    pub cost_undecided: f64,
}

versioned!(vvx_detector_config, bonafide_llr: f64);

impl vvx_detector_config {
    /// What this sets.
    ///
    /// # Safety
    /// `model` and `calibration` must be null or texts that end with a zero.
    unsafe fn options(&self) -> Result<DetectorOptions, Fault> {
        let file = |text: *const c_char| {
            // SAFETY: the caller's word.
            (!text.is_null()).then(|| unsafe { path(text) }.map(Path::to_owned)).transpose()
        };
        Ok(DetectorOptions {
            model: file(self.model)?,
            calibration: file(self.calibration)?.map(CalibrationSource::File),
            target_false_alarm: self.set_to(vvx_set::TargetFalseAlarm, self.target_false_alarm),
            thresholds: self.changes()?,
        })
    }

    fn set_to(&self, bit: vvx_set, value: f64) -> Option<f64> {
        (self.set & bit as u32 != 0).then_some(value)
    }

    fn changes(&self) -> Result<ThresholdChanges, Fault> {
        const KNOWN: u32 = 127;
        if self.set & !KNOWN != 0 || self.reserved != 0 {
            return Err(Fault::new(vvx_status::InvalidArgument, "expected bits of vvx_set, and reserved to be 0"));
        }
        Ok(ThresholdChanges {
            prior: self.set_to(vvx_set::Prior, self.prior),
            costs: DecisionCosts::given(
                self.set_to(vvx_set::CostFalseAlarm, self.cost_false_alarm),
                self.set_to(vvx_set::CostMiss, self.cost_miss),
                self.set_to(vvx_set::CostUndecided, self.cost_undecided),
            ),
            synthetic_llr: self.set_to(vvx_set::SyntheticLlr, self.synthetic_llr),
            bonafide_llr: self.set_to(vvx_set::BonafideLlr, self.bonafide_llr),
        })
    }
}

/// What runs the models.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_runtime {
    /// ONNX Runtime where one is found (`ORT_DYLIB_PATH`, an active Python environment), the built-in one otherwise.
    Auto = 0,
    /// The one that is compiled in.
    BuiltIn = 1,
    /// The ONNX Runtime library at the path given.
    Onnxruntime = 2,
}

/// Chooses what runs the models, for the whole process: before the first detector is made, once. Not real-time safe.
///
/// `runtime` is a `vvx_runtime`; `library` the path of ONNX Runtime's shared library with `VVX_RUNTIME_ONNXRUNTIME`, and null
/// otherwise.
///
/// # Safety
/// `library` must be null or a text that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_runtime_select(runtime: i32, library: *const c_char) -> vvx_status {
    enter(|| {
        const AUTO: i32 = vvx_runtime::Auto as i32;
        const BUILT_IN: i32 = vvx_runtime::BuiltIn as i32;
        const ONNXRUNTIME: i32 = vvx_runtime::Onnxruntime as i32;
        log_panics();
        let choice = match (runtime, library.is_null()) {
            (AUTO, true) => RuntimeChoice::Auto,
            (BUILT_IN, true) => RuntimeChoice::BuiltIn,
            // SAFETY: the caller's word.
            (ONNXRUNTIME, false) => RuntimeChoice::OnnxRuntime(unsafe { path(library) }?.to_owned()),
            _ => {
                let words = "expected a vvx_runtime, and a library with VVX_RUNTIME_ONNXRUNTIME alone";
                return Err(Fault::new(vvx_status::InvalidArgument, words));
            }
        };
        Runtime::select(&choice)?;
        Ok(())
    })
}

/// Makes a detector. Not real-time safe: it reads and checks models.
///
/// `config` may be null. `detector` is set to null where it fails.
///
/// # Safety
/// `config` must be null or to a whole structure, `detector` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_detector_new(
    config: *const vvx_detector_config,
    detector: *mut *mut vvx_detector,
) -> vvx_status {
    enter(|| {
        log_panics();
        // SAFETY: the caller's word.
        unsafe { put(detector, std::ptr::null_mut()) }?;
        // SAFETY: the caller's word.
        let config = unsafe { sized::read(config) }?;
        // SAFETY: the caller's word.
        let inner = unsafe { config.options() }?.open()?;
        let names: Vec<_> = inner.manifests().map(|m| format!("{} {}", m.name, m.version)).collect();
        log(vvx_log_level::Info, &format!("detector: {}, by {}", names.join(" and "), Runtime::get()?));
        let made = Box::new(vvx_detector { tag: Tag::new(vvx_detector::KIND), inner });
        // SAFETY: the caller's word.
        unsafe { put(detector, Box::into_raw(made)) }
    })
}

/// Frees a detector; null is fine. Engines that were started with it go on. Not real-time safe.
///
/// # Safety
/// Nobody must use it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvx_detector_free(detector: *mut vvx_detector) -> vvx_status {
    enter(|| {
        if detector.is_null() {
            return Ok(());
        }
        check(detector)?;
        // SAFETY: the caller's word.
        unsafe { deref(detector) }?.tag.strike();
        // SAFETY: it was made by `Box::into_raw` in `vvx_detector_new`, and its tag says that it was not freed yet.
        drop(unsafe { Box::from_raw(detector) });
        Ok(())
    })
}
