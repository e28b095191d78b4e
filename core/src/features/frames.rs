//! Frames that are computed once, and the windows that share them.
//!
//! A front end computes of each frame what does not hang on the window that it lies in: powers of bins, energies of filters,
//! sums of phase. The level of a window and the floor of a logarithm come later, when the rows of its frames are put together.

use super::filterbank::Filterbank;
use super::phase::{PhaseSums, SUMS};
use super::short::{lengthen, shorten};
use super::stft::Stft;
use crate::simd::vectorised;

/// Most values of frames that a stream keeps; beyond them a model's frames are computed for each window anew.
const MAX_KEPT: usize = 1 << 20;

/// What a front end takes of each frame.
pub(super) enum Take {
    /// The powers of so many bins from the first.
    Bins { first: usize, n: usize },
    /// The energies of filters.
    Filters(Filterbank),
    /// The sums of phase against the frame before.
    Phase(Box<PhaseSums>),
}

impl Take {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Bins { n, .. } => *n,
            Self::Filters(filterbank) => filterbank.len(),
            Self::Phase(phase) => SUMS * phase.widths().count(),
        }
    }
}

/// Frames of one length and spacing, and all that is taken of them, side by side in one row.
pub(super) struct FrontEnd {
    stft: Stft,
    hop_length: usize,
    n_frames: usize,
    takes: Vec<Take>,
    /// All that is taken is for statistics: numbers of 16 bits do.
    is_short: bool,
    row: Vec<f32>,
}

impl FrontEnd {
    pub(super) fn new(stft: Stft, hop_length: usize, n_frames: usize) -> Self {
        Self { stft, hop_length, n_frames, takes: Vec::new(), is_short: true, row: Vec::new() }
    }

    /// Adds what is taken, whether for statistics; gives its place in the rows.
    pub(super) fn add(&mut self, take: Take, for_statistics: bool) -> usize {
        let place = self.width();
        self.takes.push(take);
        self.is_short &= for_statistics;
        self.row = vec![0.0; self.width()];
        place
    }

    /// What was taken for statistics is wanted as it is, too.
    pub(super) fn also_as_it_is(&mut self) {
        self.is_short = false;
    }

    fn width(&self) -> usize {
        self.takes.iter().map(Take::width).sum()
    }

    /// Rows for one window, none of them filled.
    fn rows(&self) -> Rows {
        let values = if self.is_short { Values::Short(Vec::new()) } else { Values::Full(Vec::new()) };
        Rows { values, width: self.width(), capacity: self.n_frames, first: 0, next: 0 }
    }

    /// The number of the window's first frame among those of the stream; none where its frames are not the stream's. Frames
    /// go through the transform in twos, the same twos for every window.
    fn first_frame(&self, start: u64) -> Option<u64> {
        let step = 2 * self.hop_length as u64;
        start.is_multiple_of(step).then(|| start / self.hop_length as u64)
    }

    /// Fills the rows of the window's frames, the first of which is number `first`, but for those that are there.
    fn fill(&mut self, samples: &[f32], first: u64, rows: &mut Rows) {
        let end = first + self.n_frames as u64;
        rows.begin_at(first);
        let mut frame = (rows.next & !1).max(first);
        if frame > first && frame < end && self.has_phase() {
            // What the next frame's phases are compared with.
            self.transform(samples, (frame - first - 2) as usize);
            for take in &mut self.takes {
                if let Take::Phase(phase) = take {
                    phase.take(self.stft.spectrum(1));
                }
            }
        }
        while frame < end {
            self.transform(samples, (frame - first) as usize);
            for (ahead, number) in (frame..end.min(frame + 2)).enumerate() {
                self.find_row(ahead);
                rows.put(number, &self.row);
            }
            frame += 2;
        }
        rows.next = end;
    }

    fn has_phase(&self) -> bool {
        self.takes.iter().any(|take| matches!(take, Take::Phase(_)))
    }

    fn transform(&mut self, samples: &[f32], index: usize) {
        self.stft.transform_pair(samples, index);
        if self.has_phase() {
            self.stft.find_spectra();
        }
        if !self.takes.iter().all(|take| matches!(take, Take::Phase(_))) {
            self.stft.find_powers();
        }
    }

    /// The row of one of the two frames that were transformed last.
    fn find_row(&mut self, ahead: usize) {
        let mut row = self.row.as_mut_slice();
        for take in &mut self.takes {
            let (values, rest) = row.split_at_mut(take.width().min(row.len()));
            row = rest;
            match take {
                Take::Bins { first, n } => {
                    values.copy_from_slice(self.stft.power(ahead).get(*first..*first + *n).unwrap_or_default());
                }
                Take::Filters(filterbank) => filterbank.energies(self.stft.power(ahead), values),
                Take::Phase(phase) => {
                    phase.take(self.stft.spectrum(ahead));
                    phase.sums(values);
                }
            }
        }
    }
}

/// The rows of the newest frames of one front end, at most a window's: a ring.
#[derive(Clone)]
pub(super) struct Rows {
    values: Values,
    width: usize,
    capacity: usize,
    /// The oldest frame that is there, and one past the newest.
    first: u64,
    next: u64,
}

#[derive(Clone)]
enum Values {
    Full(Vec<f32>),
    Short(Vec<u16>),
}

impl Rows {
    /// Forgets frames before this one, and all where this one is not there or next.
    fn begin_at(&mut self, first: u64) {
        let n_values = self.capacity * self.width;
        match &mut self.values {
            Values::Full(values) => values.resize(n_values, 0.0),
            Values::Short(values) => values.resize(n_values, 0),
        }
        if !(self.first..=self.next).contains(&first) {
            self.next = first;
        }
        self.first = first;
    }

    fn place(&self, frame: u64) -> usize {
        (frame % self.capacity.max(1) as u64) as usize * self.width
    }

    fn put(&mut self, frame: u64, row: &[f32]) {
        let place = self.place(frame);
        let place = place..place + self.width;
        match &mut self.values {
            Values::Full(values) => values.get_mut(place).unwrap_or_default().copy_from_slice(row),
            Values::Short(values) => {
                let shorts = values.get_mut(place).unwrap_or_default();
                vectorised(
                    #[inline(always)]
                    || shorts.iter_mut().zip(row).for_each(|(short, value)| *short = shorten(*value)),
                );
            }
        }
    }

    /// Some columns of the row of the window's frame `number` into `out`.
    pub(super) fn read(&self, number: usize, first_column: usize, out: &mut [f32]) {
        let place = self.place(self.first + number as u64) + first_column;
        let place = place..place + out.len();
        match &self.values {
            Values::Full(values) => out.copy_from_slice(values.get(place).unwrap_or_default()),
            Values::Short(values) => {
                let shorts = values.get(place).unwrap_or_default();
                vectorised(
                    #[inline(always)]
                    || out.iter_mut().zip(shorts).for_each(|(value, short)| *value = lengthen(*short)),
                );
            }
        }
    }
}

/// The frames of one stream of samples, as far as its newest window reaches. Memory is taken with the first.
#[derive(Clone)]
pub(crate) struct Frames(Vec<Rows>);

impl Frames {
    pub(super) fn new(fronts: &[FrontEnd]) -> Self {
        Self(fronts.iter().map(FrontEnd::rows).collect())
    }

    /// Whether they are few enough for each of thousands of streams to keep its own.
    pub(super) fn can_be_kept(fronts: &[FrontEnd]) -> bool {
        fronts.iter().map(|front| front.n_frames * front.width()).sum::<usize>() <= MAX_KEPT
    }

    /// Takes the memory that the first window would take.
    pub(super) fn with_memory(mut self) -> Self {
        self.0.iter_mut().for_each(|rows| rows.begin_at(0));
        self
    }

    /// The stream begins anew: sample 0 is another from here on.
    pub fn clear(&mut self) {
        for rows in &mut self.0 {
            (rows.first, rows.next) = (0, 0);
        }
    }

    pub(super) fn rows(&self, front: usize) -> Option<&Rows> {
        self.0.get(front)
    }

    /// Whether a window that begins with sample `start` of the stream shares the frames of this front end.
    pub(super) fn are_shared(front: &FrontEnd, start: u64) -> bool {
        front.first_frame(start).is_some()
    }

    /// Computes the frames of the window `samples` that begins with sample `start` of the stream, but for those that are
    /// there.
    pub(super) fn fill(&mut self, number: usize, front: &mut FrontEnd, samples: &[f32], start: u64) {
        if let (Some(first), Some(rows)) = (front.first_frame(start), self.0.get_mut(number)) {
            front.fill(samples, first, rows);
        }
    }
}
