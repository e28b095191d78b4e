//! A chart with two axes, as SVG.

use std::fmt::Write as _;

use super::page::escape;

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
    marks: String,
    legend: Vec<(String, String)>,
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
        Self { x, y, title: title.to_owned(), width, height, marks: String::new(), legend: Vec::new() }
    }

    fn px(&self, x: f64) -> f64 {
        LEFT + self.x.at(x) * (self.width - LEFT - RIGHT)
    }

    fn py(&self, y: f64) -> f64 {
        self.height - BOTTOM - self.y.at(y) * (self.height - TOP - BOTTOM)
    }

    /// A line through points.
    pub fn line(
        &mut self,
        points: impl IntoIterator<Item = (f64, f64)>,
        colour: &str,
        dashes: &str,
        name: Option<&str>,
    ) {
        let path: Vec<String> =
            points.into_iter().map(|(x, y)| format!("{:.1},{:.1}", self.px(x), self.py(y))).collect();
        let dashes = if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dashes}\"") };
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.marks,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"{dashes}/>",
            path.join(" ")
        );
        if let Some(name) = name {
            self.legend.push((colour.to_owned(), name.to_owned()));
        }
    }

    /// A bar from the axis up, between two values of x.
    pub fn bar(&mut self, (from, to): (f64, f64), height: f64, colour: &str, hatched: bool) {
        let (left, right, top, floor) = (self.px(from), self.px(to), self.py(height), self.py(self.y.low));
        let fill = if hatched { "url(#hatch)" } else { colour };
        let _ = writeln!(
            self.marks,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\" fill-opacity=\"0.55\" \
             stroke=\"{colour}\" stroke-width=\"0.8\"/>",
            (right - left).max(0.5),
            (floor - top).max(0.0)
        );
    }

    /// A filled area of the plot.
    pub fn area(&mut self, (left, right): (f64, f64), (low, high): (f64, f64), colour: &str, opacity: f64) {
        let (left, right, top, floor) = (self.px(left), self.px(right), self.py(high), self.py(low));
        let _ = writeln!(
            self.marks,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>",
            (right - left).max(0.5),
            (floor - top).max(0.0)
        );
    }

    /// A filled outline.
    pub fn filled(&mut self, points: impl IntoIterator<Item = (f64, f64)>, colour: &str) {
        let path: Vec<String> =
            points.into_iter().map(|(x, y)| format!("{:.1},{:.1}", self.px(x), self.py(y))).collect();
        let _ = writeln!(self.marks, "<polygon points=\"{}\" fill=\"{colour}\"/>", path.join(" "));
    }

    /// A picture, given as a data URI, over a part of the plot.
    pub fn image(&mut self, (left, right): (f64, f64), (low, high): (f64, f64), uri: &str) {
        let (left, right, top, floor) = (self.px(left), self.px(right), self.py(high), self.py(low));
        let _ = writeln!(
            self.marks,
            "<image x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" preserveAspectRatio=\"none\" \
             href=\"{uri}\"/>",
            right - left,
            floor - top
        );
    }

    /// A point, with words that show when it is pointed at.
    pub fn point(&mut self, (x, y): (f64, f64), radius: f64, colour: &str, words: &str) {
        let _ = writeln!(
            self.marks,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"{colour}\"><title>{}</title></circle>",
            self.px(x),
            self.py(y),
            escape(words)
        );
    }

    /// Words beside a point of the plot.
    pub fn words(&mut self, (x, y): (f64, f64), words: &str, colour: &str) {
        let (x, y) = (self.px(x) + 4.0, self.py(y) - 4.0);
        let _ = writeln!(self.marks, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", escape(words));
    }

    /// An entry of the legend.
    pub fn name(&mut self, colour: &str, name: &str) {
        self.legend.push((colour.to_owned(), name.to_owned()));
    }

    /// The picture. `description` is what it shows, for who cannot see it.
    pub fn svg(&self, description: &str) -> String {
        let mut text = String::new();
        let (width, height) = (self.width, self.height);
        let _ = write!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" aria-label=\"{}\" font-family=\"system-ui, sans-serif\" font-size=\"11\" fill=\"#333\">\n\
             <title>{}</title>\n<desc>{}</desc>\n<defs><pattern id=\"hatch\" width=\"5\" height=\"5\" \
             patternTransform=\"rotate(45)\" patternUnits=\"userSpaceOnUse\"><rect width=\"5\" height=\"5\" fill=\"#fff\"/>\
             <line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"5\" stroke=\"{}\" stroke-width=\"3\"/></pattern></defs>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n",
            escape(&format!("{}. {description}", self.title)),
            escape(&self.title),
            escape(description),
            super::colours::SPOOF,
        );
        let (left, right, top, floor) = (LEFT, width - RIGHT, TOP, height - BOTTOM);
        for (value, words) in &self.x.ticks {
            let at = self.px(*value);
            let _ = writeln!(
                text,
                "<line x1=\"{at:.1}\" y1=\"{top}\" x2=\"{at:.1}\" y2=\"{floor}\" stroke=\"#e4e4e4\"/><text x=\"{at:.1}\" \
                 y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                floor + 15.0,
                escape(words)
            );
        }
        for (value, words) in &self.y.ticks {
            let at = self.py(*value);
            let _ = writeln!(
                text,
                "<line x1=\"{left}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\" stroke=\"#e4e4e4\"/><text x=\"{:.1}\" \
                 y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 6.0,
                at + 4.0,
                escape(words)
            );
        }
        let _ = writeln!(
            text,
            "<clipPath id=\"inside-{width:.0}-{height:.0}\"><rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\"/></clipPath>\n<g \
             clip-path=\"url(#inside-{width:.0}-{height:.0})\">\n{}</g>\n<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" fill=\"none\" \
             stroke=\"#888\"/>",
            right - left,
            floor - top,
            self.marks,
            right - left,
            floor - top,
        );
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n<text transform=\"translate(14 {:.1}) rotate(-90)\" \
             text-anchor=\"middle\">{}</text>",
            f64::midpoint(left, right),
            height - 10.0,
            escape(&self.x.label),
            f64::midpoint(top, floor),
            escape(&self.y.label)
        );
        for (index, (colour, name)) in self.legend.iter().enumerate() {
            let y = top + 15.0 + 15.0 * index as f64;
            let _ = writeln!(
                text,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{y:.1}\" \
                 text-anchor=\"end\">{}</text>",
                right - 18.0,
                y - 9.0,
                right - 24.0,
                escape(name)
            );
        }
        text.push_str("</svg>");
        text
    }
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
