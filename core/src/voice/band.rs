//! How far up a sound reaches: the band that is left of it, whatever the rate at which it is stored.
//!
//! A telephone call that is stored at 16 kHz has nothing above 4 kHz but what the conversion left: rounding, or the mirror
//! images of a plain one, which repeats samples or draws lines between them.

use std::cell::RefCell;

use super::spectrum::Spectrum;

/// A tenth of the way up from the edge of a band its filter ends, and at three quarters speech is still strong.
const ABOVE: (f64, f64) = (1.1, 1.75);
/// The band in which each line carries speech, and by which the rest is measured.
const SPEECH_HZ: (f64, f64) = (300.0, 3_400.0);
/// Power above a band, as decibels of that of speech by the bin, from which on there is sound. Of 286 clips (2 s each) it is
/// more in 99 of 100 in wide band, as they are and by G.722, AMR-WB and Opus, with a median of -16 to -23; and less in each
/// that came by a telephone line, with a median of -57 to -68.
const MIN_ABOVE_DB: f64 = -39.0;
/// Spread of the logarithms of the ratio between a frequency and its mirror image, below which one is the image of the other.
/// In images of repeated samples and straight lines 0.05 to 0.2, in the same clips 1.3 and more.
const MAX_MIRROR_SPREAD: f64 = 0.8;
/// Reach of a mirror, as shares of its frequency.
const MIRROR: (f64, f64) = (0.125, 0.875);
/// So many decibels below the strongest bin of speech nothing is left.
const EDGE_DB: f64 = 50.0;
/// Rates at which speech is recorded and coded.
const RATES_HZ: [u32; 6] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000];
/// Fewer frames of 16 ms tell nothing.
const MIN_FRAMES: u32 = 20;

thread_local! {
    /// Room for the powers of a frame: each thread has its own rather than each leg.
    static POWERS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// The mean spectrum of frames of 16 ms, and how their halves move about a frequency.
pub(crate) struct BandMeter {
    spectrum: Spectrum,
    hz_per_bin: f64,
    n_bins: usize,
    sums: Vec<f64>,
    mirrors: Vec<Mirror>,
    n_frames: u32,
}

/// The ratios of bins to their images about the middle.
struct Mirror {
    rate_hz: u32,
    middle: usize,
    /// The nearest that is looked at, and sums and sums of squares from there on.
    nearest: usize,
    sums: Vec<(f64, f64)>,
}

impl Mirror {
    fn new(rate_hz: u32, hz_per_bin: f64, n_bins: usize) -> Option<Self> {
        let nyquist = f64::from(rate_hz) / 2.0;
        let middle = (nyquist / hz_per_bin).round() as usize;
        let nearest = (MIRROR.0 * nyquist / hz_per_bin) as usize;
        let farthest = (MIRROR.1 * nyquist / hz_per_bin) as usize;
        let fits = middle + farthest < n_bins && farthest > nearest;
        fits.then(|| Self { rate_hz, middle, nearest, sums: vec![(0.0, 0.0); farthest - nearest] })
    }

    fn add(&mut self, powers: &[f32]) {
        for (n, (sum, squares)) in self.sums.iter_mut().enumerate() {
            let off = self.nearest + n;
            let below = self.middle.checked_sub(off).and_then(|bin| powers.get(bin));
            if let (Some(below), Some(above)) = (below, powers.get(self.middle + off)) {
                let ratio = f64::from((above / below).ln());
                *sum += ratio;
                *squares += ratio * ratio;
            }
        }
    }

    fn is_image(&self, n_frames: u32) -> bool {
        let n = f64::from(n_frames);
        let spread = |(sum, squares): &(f64, f64)| (squares / n - (sum / n).powi(2)).max(0.0).sqrt();
        let alike = self.sums.iter().filter(|sums| spread(sums) < MAX_MIRROR_SPREAD).count();
        2 * alike > self.sums.len()
    }
}

impl BandMeter {
    pub fn new(sample_rate_hz: u32) -> Self {
        let spectrum = Spectrum::whole(sample_rate_hz as usize * 16 / 1_000);
        let (n_bins, n) = (spectrum.n_bins(), spectrum.n_samples());
        let hz_per_bin = f64::from(sample_rate_hz) / n as f64;
        Self {
            spectrum,
            hz_per_bin,
            n_bins,
            sums: vec![0.0; n_bins],
            mirrors: [8_000, 16_000].into_iter().filter_map(|rate| Mirror::new(rate, hz_per_bin, n_bins)).collect(),
            n_frames: 0,
        }
    }

    /// Samples of a frame.
    pub fn frame(&self) -> usize {
        self.spectrum.n_samples()
    }

    pub fn n_frames(&self) -> u32 {
        self.n_frames
    }

    /// Takes a frame.
    pub fn push(&mut self, frame: &[f32]) {
        POWERS.with_borrow_mut(|powers| {
            powers.resize(self.n_bins, 0.0);
            self.spectrum.powers(frame, powers);
            for (sum, power) in self.sums.iter_mut().zip(powers.iter()) {
                *sum += f64::from(*power);
            }
            for mirror in &mut self.mirrors {
                mirror.add(powers);
            }
        });
        self.n_frames = self.n_frames.saturating_add(1);
    }

    pub fn reset(&mut self) {
        self.sums.fill(0.0);
        self.mirrors.iter_mut().for_each(|mirror| mirror.sums.fill((0.0, 0.0)));
        self.n_frames = 0;
    }

    /// Whether there is sound above the band of this rate that is no image of what lies below.
    pub fn sounds_above(&self, rate_hz: u32) -> bool {
        let nyquist = f64::from(rate_hz) / 2.0;
        let above = self.mean(ABOVE.0 * nyquist, ABOVE.1 * nyquist);
        let speech = self.mean(SPEECH_HZ.0, SPEECH_HZ.1);
        let is_image = self.mirrors.iter().any(|mirror| mirror.rate_hz <= rate_hz && mirror.is_image(self.n_frames));
        !is_image && above > speech * 10_f64.powf(MIN_ABOVE_DB / 10.0)
    }

    /// Where the sound ends, in hertz; none where too little was heard. Images count as none.
    pub fn edge_hz(&self) -> Option<f64> {
        if self.n_frames < MIN_FRAMES {
            return None;
        }
        let (from, to) = (self.bin(SPEECH_HZ.0), self.bin(SPEECH_HZ.1));
        let speech = self.sums.get(from..to.min(self.n_bins)).unwrap_or_default();
        let least = speech.iter().copied().fold(0.0, f64::max) * 10_f64.powf(-EDGE_DB / 10.0);
        let image = self.mirrors.iter().find(|mirror| mirror.is_image(self.n_frames));
        let end = image.map_or(self.n_bins, |mirror| mirror.middle.min(self.n_bins));
        let edge = self.sums.get(..end)?.iter().rposition(|sum| *sum > least)?;
        Some((edge as f64 + 0.5) * self.hz_per_bin).filter(|_| least > 0.0).map(|hz| hz.min(self.highest_hz()))
    }

    /// The lowest usual rate that holds all there is, where it is well below the one at hand: what the sound may have been
    /// before it was brought here.
    pub fn upsampled_from_hz(&self) -> Option<u32> {
        let edge = self.edge_hz()?;
        let highest = self.highest_hz();
        RATES_HZ
            .into_iter()
            .filter(|rate| f64::from(*rate) < 1.7 * highest)
            .find(|rate| !self.reaches_beyond(edge, *rate))
    }

    fn reaches_beyond(&self, edge_hz: f64, rate_hz: u32) -> bool {
        edge_hz > ABOVE.0 * f64::from(rate_hz) / 2.0 && self.sounds_above(rate_hz)
    }

    fn highest_hz(&self) -> f64 {
        (self.n_bins.saturating_sub(1)) as f64 * self.hz_per_bin
    }

    fn bin(&self, hz: f64) -> usize {
        (hz / self.hz_per_bin).ceil() as usize
    }

    /// Mean of the sums between two frequencies.
    fn mean(&self, from_hz: f64, to_hz: f64) -> f64 {
        let (from, to) = (self.bin(from_hz), self.bin(to_hz).min(self.n_bins));
        let sums = self.sums.get(from..to).unwrap_or_default();
        sums.iter().sum::<f64>() / sums.len().max(1) as f64
    }
}
