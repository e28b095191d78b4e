//! The words of a verdict.

use veravox::{decide, report};

/// The answer for a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Decision {
    /// A machine made this voice, or changed it into another's.
    Synthetic,
    /// A person's own voice.
    Bonafide,
    /// No verdict; the reasons say why.
    Inconclusive,
}

/// How far a verdict is founded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Stage {
    /// Too little speech to say anything.
    Listening,
    /// What would be said if the leg ended now; the evidence does not suffice.
    Provisional,
    /// The evidence sufficed.
    Firm,
    /// The evidence sufficed, and later it did for the other answer: another voice speaks.
    Changed,
}

/// Why a leg is inconclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Reason {
    /// Less speech than the model needs.
    TooLittleSpeech,
    /// Digital silence, or next to it.
    NoSignal,
    /// Most of what sounds is music, tones or DTMF.
    MusicOrTones,
    /// Speech drowns in noise, or there is nothing but noise.
    Noise,
    /// Many samples are cut off at full scale.
    Clipping,
    /// The audio was sampled at a lower rate than the model was made for.
    NarrowBand,
    /// Many samples are not numbers.
    InvalidSamples,
    /// The samples are not what they were read as: swapped bytes, the wrong law, interleaved channels.
    Misread,
    /// Most of the speech is unlike anything that the model was trained on.
    UnlikeTraining,
    /// The model was never calibrated: it gives scores and no verdicts.
    Uncalibrated,
    /// The evidence lies between the thresholds.
    Undecided,
    /// There was speech, and no time to score it.
    NotScored,
    /// A machine spoke on this leg, and later a person.
    MixedVoices,
    /// A reason that is newer than this list.
    Other,
}

/// Why a leg has the model that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Because {
    /// The detector has no other.
    Only,
    /// The sample rate can hold the band of no wider one.
    Rate,
    /// The band of the first two seconds of speech, or of what there was.
    Band,
    /// Nobody spoke: the widest that the sample rate can hold.
    NoVoice,
    /// A reason that is newer than this list.
    Other,
}

impl From<report::Because> for Because {
    fn from(because: report::Because) -> Self {
        match because {
            report::Because::Only => Self::Only,
            report::Because::Rate => Self::Rate,
            report::Because::Band => Self::Band,
            report::Because::NoVoice => Self::NoVoice,
            _ => Self::Other,
        }
    }
}

impl From<decide::Decision> for Decision {
    fn from(decision: decide::Decision) -> Self {
        match decision {
            decide::Decision::Synthetic => Self::Synthetic,
            decide::Decision::Bonafide => Self::Bonafide,
            decide::Decision::Inconclusive => Self::Inconclusive,
        }
    }
}

impl From<report::Stage> for Stage {
    fn from(stage: report::Stage) -> Self {
        match stage {
            report::Stage::Listening => Self::Listening,
            report::Stage::Provisional => Self::Provisional,
            report::Stage::Firm => Self::Firm,
            report::Stage::Changed => Self::Changed,
        }
    }
}

impl From<decide::Reason> for Reason {
    fn from(reason: decide::Reason) -> Self {
        match reason {
            decide::Reason::TooLittleSpeech => Self::TooLittleSpeech,
            decide::Reason::NoSignal => Self::NoSignal,
            decide::Reason::MusicOrTones => Self::MusicOrTones,
            decide::Reason::Noise => Self::Noise,
            decide::Reason::Clipping => Self::Clipping,
            decide::Reason::NarrowBand => Self::NarrowBand,
            decide::Reason::InvalidSamples => Self::InvalidSamples,
            decide::Reason::Misread => Self::Misread,
            decide::Reason::UnlikeTraining => Self::UnlikeTraining,
            decide::Reason::Uncalibrated => Self::Uncalibrated,
            decide::Reason::Undecided => Self::Undecided,
            decide::Reason::NotScored => Self::NotScored,
            decide::Reason::MixedVoices => Self::MixedVoices,
            _ => Self::Other,
        }
    }
}
