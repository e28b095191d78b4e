//! Verdicts as C has them.

use veravox::report::{LegVerdict, RunningVerdict, Stage};
use veravox::{Decision, Reason};

use crate::sized::versioned;
use crate::status::vvx_status;

/// The answer for a leg. Memory that is all zero says "inconclusive", never "human".
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_decision {
    /// No answer; the reasons say why.
    Inconclusive = 0,
    /// A machine made this voice, or changed it into another's.
    Synthetic = 1,
    /// A person's own voice.
    Bonafide = 2,
}

/// How far a verdict is founded.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_stage {
    /// Too little speech to say anything.
    Listening = 0,
    /// What would be said if the leg ended now; the evidence does not suffice.
    Provisional = 1,
    /// The evidence sufficed.
    Firm = 2,
    /// The evidence sufficed, and later it did for the other answer: another voice speaks.
    Changed = 3,
}

/// Why an answer is inconclusive: bits of `vvx_verdict.reasons`.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_reason {
    /// Less speech than the model needs.
    TooLittleSpeech = 1,
    /// Digital silence, or next to it.
    NoSignal = 2,
    /// Most of what sounds is music, tones or DTMF.
    MusicOrTones = 4,
    /// Speech drowns in noise, or there is nothing but noise.
    Noise = 8,
    /// Many samples are cut off at full scale.
    Clipping = 16,
    /// The audio was sampled at a lower rate than the model was made for.
    NarrowBand = 32,
    /// Many samples are not numbers.
    InvalidSamples = 64,
    /// Most of the speech is unlike anything that the model was trained on.
    UnlikeTraining = 128,
    /// The evidence lies between the thresholds.
    Undecided = 256,
    /// There was speech, and no time to score it: the engine is overloaded.
    NotScored = 512,
    /// A machine spoke on this leg, and later a person.
    MixedVoices = 1_024,
    /// A reason that is newer than this list.
    Other = 1_073_741_824,
}

/// Whether a leg goes on.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_state {
    /// It does; the verdict is the one so far.
    Open = 0,
    /// It ended, and this is its verdict.
    Ended = 1,
    /// It failed: there is no verdict, and `error` says why.
    Failed = 2,
}

/// The verdict on a leg, so far or at its end. Set `struct_size` before it is handed over.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvx_verdict {
    /// In: `sizeof(vvx_verdict)`. Out: how many bytes were filled.
    pub struct_size: usize,
    /// The answer.
    pub decision: vvx_decision,
    /// How far it is founded.
    pub stage: vvx_stage,
    /// Whether the leg goes on.
    pub state: vvx_state,
    /// Why the leg failed; `VVX_STATUS_OK` where it did not.
    pub error: vvx_status,
    /// Bits of `vvx_reason`: why the answer is inconclusive.
    pub reasons: u32,
    /// Index of the leg in its recording, from 0: the channel. 0 for a live leg.
    pub leg: u32,
    /// Natural-log likelihood ratio, positive = synthetic, 0 = neither; NaN before anything was scored.
    pub llr: f64,
    /// Probability of a synthetic voice, 0 to 1, at the prior in use; NaN before anything was scored.
    pub probability: f64,
    /// Seconds of voice so far.
    pub speech_seconds: f64,
    /// Where, in seconds of the leg, it became firm; NaN where it never did, or goes on.
    pub firm_at_seconds: f64,
    /// Seconds of audio that never came, known at the end.
    pub lost_seconds: f64,
    /// Seconds on hold, known at the end.
    pub held_seconds: f64,
    /// Windows that were not scored since there was no time, known at the end.
    pub shed_windows: u64,
    /// Windows that were not scored since a newer one was ready, known at the end.
    pub replaced_windows: u64,
}

versioned!(vvx_verdict, replaced_windows: u64);

impl vvx_verdict {
    /// Of a leg that was just opened.
    pub const NONE: Self = Self {
        struct_size: 0,
        decision: vvx_decision::Inconclusive,
        stage: vvx_stage::Listening,
        state: vvx_state::Open,
        error: vvx_status::Ok,
        reasons: vvx_reason::TooLittleSpeech as u32,
        leg: 0,
        llr: f64::NAN,
        probability: f64::NAN,
        speech_seconds: 0.0,
        firm_at_seconds: f64::NAN,
        lost_seconds: 0.0,
        held_seconds: 0.0,
        shed_windows: 0,
        replaced_windows: 0,
    };

    /// No verdict. A leg that failed has no answer, whatever it had before.
    pub fn failed(self, error: vvx_status) -> Self {
        Self { decision: vvx_decision::Inconclusive, reasons: 0, state: vvx_state::Failed, error, ..self }
    }
}

impl From<&RunningVerdict> for vvx_verdict {
    fn from(verdict: &RunningVerdict) -> Self {
        Self {
            decision: decision(verdict.decision),
            stage: stage(verdict.stage),
            reasons: reasons(&verdict.reasons),
            llr: verdict.llr.unwrap_or(f64::NAN),
            probability: verdict.probability.unwrap_or(f64::NAN),
            speech_seconds: verdict.speech_seconds,
            ..Self::NONE
        }
    }
}

impl From<&LegVerdict> for vvx_verdict {
    fn from(verdict: &LegVerdict) -> Self {
        Self {
            decision: decision(verdict.decision),
            stage: stage(verdict.stage),
            state: vvx_state::Ended,
            reasons: reasons(&verdict.reasons),
            leg: u32::try_from(verdict.leg).unwrap_or(u32::MAX),
            llr: verdict.llr.unwrap_or(f64::NAN),
            probability: verdict.probability.unwrap_or(f64::NAN),
            speech_seconds: verdict.speech_seconds,
            firm_at_seconds: verdict.firm_at_seconds.unwrap_or(f64::NAN),
            lost_seconds: verdict.interruptions.lost_seconds,
            held_seconds: verdict.interruptions.held_seconds,
            shed_windows: verdict.interruptions.shed_windows,
            replaced_windows: verdict.interruptions.replaced_windows,
            ..Self::NONE
        }
    }
}

fn decision(decision: Decision) -> vvx_decision {
    match decision {
        Decision::Inconclusive => vvx_decision::Inconclusive,
        Decision::Synthetic => vvx_decision::Synthetic,
        Decision::Bonafide => vvx_decision::Bonafide,
    }
}

fn stage(stage: Stage) -> vvx_stage {
    match stage {
        Stage::Listening => vvx_stage::Listening,
        Stage::Provisional => vvx_stage::Provisional,
        Stage::Firm => vvx_stage::Firm,
        Stage::Changed => vvx_stage::Changed,
    }
}

fn reasons(reasons: &[Reason]) -> u32 {
    reasons.iter().fold(0, |bits, reason| bits | self::reason(*reason) as u32)
}

pub(crate) fn reason(reason: Reason) -> vvx_reason {
    match reason {
        Reason::TooLittleSpeech => vvx_reason::TooLittleSpeech,
        Reason::NoSignal => vvx_reason::NoSignal,
        Reason::MusicOrTones => vvx_reason::MusicOrTones,
        Reason::Noise => vvx_reason::Noise,
        Reason::Clipping => vvx_reason::Clipping,
        Reason::NarrowBand => vvx_reason::NarrowBand,
        Reason::InvalidSamples => vvx_reason::InvalidSamples,
        Reason::UnlikeTraining => vvx_reason::UnlikeTraining,
        Reason::Undecided => vvx_reason::Undecided,
        Reason::NotScored => vvx_reason::NotScored,
        Reason::MixedVoices => vvx_reason::MixedVoices,
        _ => vvx_reason::Other,
    }
}

/// The name of a decision as it stands in reports: "synthetic", "bonafide", "inconclusive". Real-time safe; the text is never
/// freed.
#[unsafe(no_mangle)]
pub extern "C" fn vvx_decision_name(decision: i32) -> *const std::ffi::c_char {
    let name = match decision {
        1 => c"synthetic",
        2 => c"bonafide",
        _ => c"inconclusive",
    };
    name.as_ptr()
}

/// The name of a stage as it stands in reports: "listening", "provisional", "firm", "changed". Real-time safe; the text is
/// never freed.
#[unsafe(no_mangle)]
pub extern "C" fn vvx_stage_name(stage: i32) -> *const std::ffi::c_char {
    let name = match stage {
        1 => c"provisional",
        2 => c"firm",
        3 => c"changed",
        _ => c"listening",
    };
    name.as_ptr()
}

/// The name of one reason, a bit of `vvx_reason`, as it stands in reports: `too_little_speech` and so on; of none or several
/// "other". Real-time safe; the text is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn vvx_reason_name(reason: u32) -> *const std::ffi::c_char {
    let name = match reason {
        1 => c"too_little_speech",
        2 => c"no_signal",
        4 => c"music_or_tones",
        8 => c"noise",
        16 => c"clipping",
        32 => c"narrow_band",
        64 => c"invalid_samples",
        128 => c"unlike_training",
        256 => c"undecided",
        512 => c"not_scored",
        1_024 => c"mixed_voices",
        _ => c"other",
    };
    name.as_ptr()
}
