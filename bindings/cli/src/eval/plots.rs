//! The four plots of an evaluation.

use veravox::evaluate::Evaluation;

use crate::draw::{Axis, BONAFIDE, Chart, Drawing, Fill, INK, NEUTRAL, SPOOF, png, svg};

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 340.0;

/// Name and picture of each.
fn all(e: &Evaluation) -> [(&'static str, Drawing); 4] {
    [("det", det(e)), ("roc", roc(e)), ("histogram", histogram(e)), ("reliability", reliability(e))]
}

/// The plots by name, as SVG.
#[must_use]
pub fn as_svg(evaluation: &Evaluation) -> [(&'static str, String); 4] {
    all(evaluation).map(|(name, drawing)| (name, svg(&drawing)))
}

/// The plots by name, as PNG.
///
/// # Errors
/// Where a picture cannot be encoded.
pub fn as_png(evaluation: &Evaluation) -> std::io::Result<Vec<(&'static str, Vec<u8>)>> {
    all(evaluation).into_iter().map(|(name, drawing)| Ok((name, png(None, &[drawing])?))).collect()
}

pub fn det(e: &Evaluation) -> Drawing {
    let mut chart = Chart::new(
        "DET curve",
        Axis::rates("people called synthetic, %"),
        Axis::rates("machines missed, %"),
        WIDTH,
        HEIGHT,
    );
    chart.line([(0.0005, 0.0005), (0.8, 0.8)], NEUTRAL, Some([3.0, 3.0]));
    chart.line(e.curves.det.iter().map(|p| (p.bonafide_rejected, p.spoof_accepted)), SPOOF, None);
    let eer = e.figures.eer.value;
    chart.point((eer, eer), 4.0, SPOOF, "EER");
    chart.beside((eer, eer), &format!("EER {:.2} %", 100.0 * eer));
    chart.draw(&format!(
        "Both error rates over all thresholds, on the scale of normal deviates; equal at {:.2} %.",
        100.0 * eer
    ))
}

pub fn roc(e: &Evaluation) -> Drawing {
    let share = |label: &str| Axis::linear(label, 0.0, 1.0);
    let mut chart = Chart::new("ROC curve", share("people called synthetic"), share("machines found"), WIDTH, HEIGHT);
    chart.line([(0.0, 0.0), (1.0, 1.0)], NEUTRAL, Some([3.0, 3.0]));
    chart.line(e.curves.det.iter().map(|p| (p.bonafide_rejected, 1.0 - p.spoof_accepted)), SPOOF, None);
    let auc = e.figures.auc.value;
    chart.words((0.55, 0.1), &format!("AUC {auc:.3}"), INK);
    chart.draw(&format!("Machines found against people called synthetic; area under the curve {auc:.3}."))
}

pub fn histogram(e: &Evaluation) -> Drawing {
    let h = &e.curves.histogram;
    let (low, high) = (h.edges.first().copied().unwrap_or(0.0), h.edges.last().copied().unwrap_or(1.0));
    let share = |n: usize, all: usize| n as f64 / all.max(1) as f64;
    let most = h.bonafide.iter().map(|n| share(*n, e.n_bonafide)).chain(h.spoof.iter().map(|n| share(*n, e.n_spoof)));
    // Room for the legend above the highest bar.
    let top = 1.25 * most.fold(0.0, f64::max);
    let mut chart = Chart::new(
        "Scores",
        Axis::linear("llr, positive = synthetic", low, high),
        Axis::linear("share of the class", 0.0, top),
        WIDTH,
        HEIGHT,
    );
    for (n, pair) in h.edges.windows(2).enumerate() {
        let [from, to] = pair else { continue };
        let count = |counts: &[usize]| counts.get(n).copied().unwrap_or_default();
        for (counts, all, colour, fill) in
            [(&h.bonafide, e.n_bonafide, BONAFIDE, Fill::Edged), (&h.spoof, e.n_spoof, SPOOF, Fill::Hatched)]
        {
            if count(counts) > 0 {
                chart.bar((*from, *to), share(count(counts), all), colour, fill);
            }
        }
    }
    chart.line([(e.threshold.llr, 0.0), (e.threshold.llr, top)], INK, Some([4.0, 3.0]));
    chart.name(BONAFIDE, Some(Fill::Edged), "people");
    chart.name(SPOOF, Some(Fill::Hatched), "machines");
    chart.name(INK, None, "Bayes threshold");
    chart.draw("Histograms of the scores of people and of machines, with the threshold that the costs ask for.")
}

pub fn reliability(e: &Evaluation) -> Drawing {
    // Room for the dots at either end.
    let share = |label: &str| Axis::linear(label, -0.04, 1.04);
    let mut chart = Chart::new(
        "Reliability",
        share("probability that was stated, at even odds"),
        share("share of machines that was found"),
        WIDTH,
        HEIGHT,
    );
    chart.line([(0.0, 0.0), (1.0, 1.0)], NEUTRAL, Some([3.0, 3.0]));
    chart.line(e.curves.reliability.iter().map(|p| (p.stated, p.observed)), SPOOF, None);
    for p in &e.curves.reliability {
        let words = format!("stated {:.2}, found {:.2}, {} trials", p.stated, p.observed, p.n);
        chart.point((p.stated, p.observed), 3.0 + (p.n as f64).log10(), SPOOF, &words);
    }
    chart.draw("What probabilities were stated and how often they were right; on the diagonal they can be believed.")
}
