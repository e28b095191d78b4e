//! The ear for the band of a leg's voice: which model was made for it, and whether it stays so.

use crate::voice::band::BandMeter;
use crate::voice::gate::{Frame, FrameClass};

/// Frames of voice, 16 ms each, by which the band is told: two seconds. Of 286 clips through fifteen lines and codecs one
/// second tells 97 of 100 apart and two 99; the first look at a live leg comes after three.
const FRAMES: u32 = 125;
/// Once it is known every fourth frame of the voice is listened to: whether it changes is told after eight seconds of it.
const EVERY: u32 = 4;

/// Listens to the voice of a leg at the rate of the widest model.
pub(super) struct Ear {
    meter: BandMeter,
    narrower_rate_hz: u32,
    /// Whether there was sound above the band of the narrower model, once enough was heard.
    is_wide: Option<bool>,
    /// Frames of voice since the last that was measured, and where the stretch that is measured begins.
    skipped: u32,
    stretch_at: Option<u64>,
    turned_narrow_at: Option<u64>,
}

impl Ear {
    /// For what lies above the band of `narrower_rate_hz`; none where the model's own rate holds no more.
    pub fn new(model_rate_hz: u32, narrower_rate_hz: u32) -> Option<Self> {
        (narrower_rate_hz < model_rate_hz).then(|| Self {
            meter: BandMeter::new(model_rate_hz),
            narrower_rate_hz,
            is_wide: None,
            skipped: 0,
            stretch_at: None,
            turned_narrow_at: None,
        })
    }

    pub fn hear(&mut self, frame: &Frame<'_>) {
        if frame.class != FrameClass::Voice || self.turned_narrow_at.is_some() {
            return;
        }
        self.skipped += 1;
        if self.is_wide.is_some() && self.skipped < EVERY {
            return;
        }
        self.skipped = 0;
        let from = *self.stretch_at.get_or_insert(frame.position);
        self.meter.push(frame.samples);
        if self.meter.n_frames() >= FRAMES {
            let is_wide = self.meter.sounds_above(self.narrower_rate_hz);
            if self.is_wide == Some(true) && !is_wide {
                self.turned_narrow_at = Some(from);
            }
            self.is_wide.get_or_insert(is_wide);
            self.meter.reset();
            self.stretch_at = None;
        }
    }

    /// Whether there is sound above the band of the narrower model, once enough was heard.
    pub fn is_wide(&self) -> Option<bool> {
        self.is_wide
    }

    /// The same by as much as was heard; none where no voice was.
    pub fn is_wide_so_far(&self) -> Option<bool> {
        self.is_wide.or_else(|| (self.meter.n_frames() > 0).then(|| self.meter.sounds_above(self.narrower_rate_hz)))
    }

    /// Where a voice that was wide at first began to be narrow.
    pub fn turned_narrow_at(&self) -> Option<u64> {
        self.turned_narrow_at
    }
}
