//! A chart with two axes.

use super::colours::{Colour, GRID, INK, NEUTRAL};
use super::drawing::{Anchor, Drawing, Fill, Mark, Pixels, Place};

/// How values lie along an axis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// Normal deviates, as in a DET plot; values are shares inside (0, 1).
    Probit,
}

/// One axis.
pub struct Axis {
    pub label: String,
    pub low: f64,
    pub high: f64,
    pub scale: Scale,
    pub ticks: Vec<(f64, String)>,
}

/// A chart under construction.
pub struct Chart {
    x: Axis,
    y: Axis,
    title: String,
    width: f64,
    height: f64,
    marks: Vec<Mark>,
    legend: Vec<(Colour, Option<Fill>, String)>,
}

/// Room for the labels of the axes.
const LEFT: f64 = 58.0;
const BOTTOM: f64 = 46.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 14.0;

impl Axis {
    /// An axis with ticks at round numbers.
    pub fn linear(label: &str, low: f64, high: f64) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        let rough = (high - low) / 6.0;
        let power = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough).unwrap_or(rough);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let first = (low / step).ceil() as i64;
        let last = (high / step).floor() as i64;
        let ticks =
            (first..=last).map(|n| (n as f64 * step, format!("{:.decimals$}", n as f64 * step + 0.0))).collect();
        Self { label: label.to_owned(), low, high, scale: Scale::Linear, ticks }
    }

    /// An axis of error rates on the scale of normal deviates.
    pub fn rates(label: &str) -> Self {
        let ticks = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8];
        let words =
            |rate: f64| if rate < 0.01 { format!("{:.1}", 100.0 * rate) } else { format!("{:.0}", 100.0 * rate) };
        Self {
            label: label.to_owned(),
            low: 0.0005,
            high: 0.8,
            scale: Scale::Probit,
            ticks: ticks.iter().map(|rate| (*rate, words(*rate))).collect(),
        }
    }

    /// Where a value lies, 0 to 1.
    fn at(&self, value: f64) -> f64 {
        let place = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Probit => probit(value.clamp(1e-6, 1.0 - 1e-6)),
        };
        let (low, high) = (place(self.low), place(self.high));
        ((place(value) - low) / (high - low)).clamp(-0.02, 1.02)
    }
}

impl Chart {
    pub fn new(title: &str, x: Axis, y: Axis, width: f64, height: f64) -> Self {
        Self { x, y, title: title.to_owned(), width, height, marks: Vec::new(), legend: Vec::new() }
    }

    fn px(&self, x: f64) -> f64 {
        LEFT + self.x.at(x) * (self.width - LEFT - RIGHT)
    }

    fn py(&self, y: f64) -> f64 {
        self.height - BOTTOM - self.y.at(y) * (self.height - TOP - BOTTOM)
    }

    fn place(&self, (x, y): (f64, f64)) -> Place {
        (self.px(x), self.py(y))
    }

    /// The upper left and the lower right corner of a part of the plot.
    fn corners(&self, (left, right): (f64, f64), (low, high): (f64, f64)) -> (Place, Place) {
        let (from, to) = (self.place((left, high)), self.place((right, low)));
        (from, (to.0.max(from.0 + 0.5), to.1.max(from.1)))
    }

    /// A line through points.
    pub fn line(&mut self, points: impl IntoIterator<Item = (f64, f64)>, colour: Colour, dashes: Option<[f64; 2]>) {
        let points = points.into_iter().map(|point| self.place(point)).collect();
        self.marks.push(Mark::Line { points, colour, width: 1.8, dashes });
    }

    /// A bar from the axis up, between two values of x.
    pub fn bar(&mut self, x: (f64, f64), height: f64, colour: Colour, fill: Fill) {
        let (from, to) = self.corners(x, (self.y.low, height));
        self.marks.push(Mark::Box { from, to, colour, fill });
    }

    /// A filled area of the plot.
    pub fn area(&mut self, x: (f64, f64), y: (f64, f64), colour: Colour, opacity: f64) {
        let (from, to) = self.corners(x, y);
        self.marks.push(Mark::Box { from, to, colour, fill: Fill::Even(opacity) });
    }

    /// A filled outline.
    pub fn filled(&mut self, points: impl IntoIterator<Item = (f64, f64)>, colour: Colour) {
        let points = points.into_iter().map(|point| self.place(point)).collect();
        self.marks.push(Mark::Shape { points, colour });
    }

    /// An image over a part of the plot.
    pub fn image(&mut self, x: (f64, f64), y: (f64, f64), pixels: Pixels) {
        let (from, to) = self.corners(x, y);
        self.marks.push(Mark::Image { from, to, pixels });
    }

    /// A point, with words that show when it is pointed at.
    pub fn point(&mut self, at: (f64, f64), radius: f64, colour: Colour, words: &str) {
        self.marks.push(Mark::Dot { at: self.place(at), radius, colour, words: words.to_owned() });
    }

    /// Words above a place of the plot.
    pub fn words(&mut self, at: (f64, f64), words: &str, colour: Colour) {
        let (x, y) = self.place(at);
        self.marks.push(words_at((x + 4.0, y - 4.0), words, Anchor::Start, colour));
    }

    /// Words to the right of a dot.
    pub fn beside(&mut self, at: (f64, f64), words: &str) {
        let (x, y) = self.place(at);
        self.marks.push(words_at((x + 9.0, y + 4.0), words, Anchor::Start, INK));
    }

    /// An entry of the legend: a box, or a line where nothing is filled.
    pub fn name(&mut self, colour: Colour, fill: Option<Fill>, name: &str) {
        self.legend.push((colour, fill, name.to_owned()));
    }

    /// The picture. `description` is what it shows, for who cannot see it.
    pub fn draw(self, description: &str) -> Drawing {
        let (left, right, top, floor) = (LEFT, self.width - RIGHT, TOP, self.height - BOTTOM);
        let mut around = Vec::new();
        let rule = |from, to| Mark::Line { points: vec![from, to], colour: GRID, width: 1.0, dashes: None };
        for (value, words) in &self.x.ticks {
            let at = self.px(*value);
            around.push(rule((at, top), (at, floor)));
            around.push(words_at((at, floor + 15.0), words, Anchor::Middle, INK));
        }
        for (value, words) in &self.y.ticks {
            let at = self.py(*value);
            around.push(rule((left, at), (right, at)));
            around.push(words_at((left - 6.0, at + 4.0), words, Anchor::End, INK));
        }
        let middle = (f64::midpoint(left, right), self.height - 10.0);
        around.push(words_at(middle, &self.x.label, Anchor::Middle, INK));
        around.push(Mark::Words {
            at: (14.0, f64::midpoint(top, floor)),
            words: self.y.label.clone(),
            anchor: Anchor::Middle,
            upright: true,
            colour: INK,
        });
        let frame = Mark::Box { from: (left, top), to: (right, floor), colour: NEUTRAL, fill: Fill::Hollow };
        Drawing {
            over: std::iter::once(frame).chain(self.legend(right, top)).collect(),
            title: self.title,
            description: description.to_owned(),
            width: self.width,
            height: self.height,
            around,
            plot: ((left, top), (right, floor)),
            inside: self.marks,
        }
    }

    fn legend(&self, right: f64, top: f64) -> impl Iterator<Item = Mark> {
        let entry = move |(index, (colour, fill, name)): (usize, &(Colour, Option<Fill>, String))| {
            let y = top + 16.0 + 16.0 * index as f64;
            let mark = match *fill {
                Some(fill) => {
                    Mark::Box { from: (right - 24.0, y - 9.0), to: (right - 8.0, y + 1.0), colour: *colour, fill }
                }
                None => Mark::Line {
                    points: vec![(right - 24.0, y - 4.0), (right - 8.0, y - 4.0)],
                    colour: *colour,
                    width: 1.8,
                    dashes: Some([4.0, 3.0]),
                },
            };
            [mark, words_at((right - 30.0, y), name, Anchor::End, INK)]
        };
        self.legend.iter().enumerate().flat_map(entry).collect::<Vec<_>>().into_iter()
    }
}

fn words_at(at: Place, words: &str, anchor: Anchor, colour: Colour) -> Mark {
    Mark::Words { at, words: words.to_owned(), anchor, upright: false, colour }
}

/// The normal deviate of a share inside (0, 1), to some 5e-4, of which a plot shows nothing: Abramowitz and Stegun, Handbook of
/// Mathematical Functions, 26.2.23.
fn probit(share: f64) -> f64 {
    let upper = |p: f64| {
        let t = (-2.0 * p.ln()).sqrt();
        t - (2.515_517 + t * (0.802_853 + t * 0.010_328)) / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)))
    };
    if share < 0.5 { -upper(share) } else { upper(1.0 - share) }
}

#[cfg(test)]
mod tests {
    use super::probit;

    #[test]
    fn normal_deviates_are_those_of_tables() {
        for (share, deviate) in [(0.5, 0.0), (0.975, 1.959_964), (0.001, -3.090_232), (0.8, 0.841_621)] {
            assert!((probit(share) - deviate).abs() < 5e-4, "{share}");
        }
    }
}
