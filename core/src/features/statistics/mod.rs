//! Statistics of a feature matrix over the frames of a window: one vector, whatever was said.
//!
//! The texture of a voice rather than its words: how the columns spread and go together, how fast they swing, how regular
//! the harmonics are. What tells a machine from a person as a distribution outlives a change of machine and of line better
//! than shapes do that were learnt from a few of them; `models/training` has the figures.

mod cycles;
mod groups;
mod lines;
mod moving;
mod phases;
mod pulses;
mod sink;
mod spectrum;
mod tracks;

use super::spec::StatisticsFamily;
use cycles::Cycles;
use lines::Lines;
use phases::Phases;
use pulses::Pulses;
use sink::Family;
pub(super) use sink::Sink;
use spectrum::Spectrum;

/// The statistics of one family over matrices of one size.
pub(super) struct Statistics(Box<dyn Family + Send + Sync>);

impl Statistics {
    /// For matrices of so many frames and columns; `frame_rate_hz` is the number of frames in a second.
    pub(super) fn new(family: StatisticsFamily, n_frames: usize, n_columns: usize, frame_rate_hz: f64) -> Self {
        Self(match family {
            StatisticsFamily::Spectrum => Box::new(Spectrum::new(n_frames, n_columns, frame_rate_hz)),
            StatisticsFamily::Pulses => Box::new(Pulses::new(n_frames, n_columns)),
            StatisticsFamily::Cycles => Box::new(Cycles::new(n_frames, n_columns, frame_rate_hz)),
            StatisticsFamily::Lines => Box::new(Lines::new(n_frames, n_columns)),
            StatisticsFamily::Phases => Box::new(Phases::new(n_frames, n_columns)),
        })
    }

    /// The statistics of `matrix` into `out`.
    pub(super) fn compute(&mut self, matrix: &[f32], out: &mut Sink) {
        self.0.compute(matrix, out);
    }
}

impl StatisticsFamily {
    /// How many statistics there are of a matrix with so many columns.
    pub(super) fn n_values(self, n_columns: usize) -> usize {
        match self {
            Self::Spectrum => spectrum::N_VALUES,
            Self::Pulses => pulses::n_values(n_columns),
            Self::Cycles => cycles::N_VALUES,
            Self::Lines => lines::n_values(n_columns),
            Self::Phases => phases::n_values(n_columns),
        }
    }

    /// The fewest frames in a second that the statistics are defined for.
    pub(super) fn least_frame_rate_hz(self) -> f64 {
        match self {
            Self::Spectrum => spectrum::LEAST_FRAME_RATE_HZ,
            Self::Cycles => cycles::LEAST_FRAME_RATE_HZ,
            Self::Pulses | Self::Lines | Self::Phases => 0.0,
        }
    }

    /// The shortest time that the frames must cover.
    pub(super) fn least_seconds(self) -> f64 {
        if self == Self::Cycles { cycles::LEAST_SECONDS } else { 0.0 }
    }

    /// The most frames that the statistics can be of.
    pub(super) fn most_frames(self) -> usize {
        if self == Self::Cycles { cycles::MOST_FRAMES } else { usize::MAX }
    }

    /// The fewest frames and columns that the statistics are defined for.
    pub(super) fn least(self) -> (usize, usize) {
        match self {
            Self::Spectrum => (spectrum::LEAST_FRAMES, spectrum::LEAST_COLUMNS),
            Self::Pulses => (pulses::SEGMENT, 2),
            Self::Cycles => (cycles::LEAST_FRAMES, 2),
            Self::Lines => (2, lines::SMOOTHED),
            Self::Phases => (phases::LEAST_FRAMES, 2),
        }
    }
}
