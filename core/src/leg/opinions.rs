//! What the second model of a cascade has to do with a leg: which windows it is asked about, and how much of the evidence is its.

use std::sync::Arc;

use crate::model::{Fate, Model, RawScore, Second};
use crate::site::Rules;
use crate::verdict::report::SecondReport;

/// Counts of one leg.
#[derive(Debug, Default)]
pub(super) struct Opinions {
    /// Windows that it may still hear.
    left: f64,
    answered: u64,
    late: u64,
    over_budget: u64,
    /// The evidence since the voice last changed: windows' worth of speech by the first, and by the second.
    by_first: f64,
    by_second: f64,
}

impl Opinions {
    /// The second model, where it is to hear a window that counts, to which the first gave this llr: one that the first does not call
    /// human, as long as the leg's share of the budget lasts.
    pub fn ask(&mut self, rules: &Rules, llr: f64, novel: bool) -> Option<Arc<Second>> {
        let (second, _) = rules.second.as_ref()?;
        self.left += second.budget().max_share;
        if !second.wants(llr, novel, &rules.thresholds) {
            return None;
        }
        // A share of a third is one window of three, whatever the sum of three thirds is.
        if self.left < 1.0 - 1e-9 {
            self.over_budget += 1;
            second.count(Fate::OverBudget);
            return None;
        }
        self.left -= 1.0;
        Some(Arc::clone(second))
    }

    /// A window goes without it: the budget of all legs does not allow it, or its answer came too late.
    pub fn go_without(&mut self, rules: &Rules, fate: Fate) {
        let Some((second, _)) = &rules.second else { return };
        second.count(fate);
        if fate == Fate::Late {
            self.late += 1;
        } else {
            self.left += 1.0;
            self.over_budget += 1;
        }
    }

    /// It gave a window's score.
    pub fn answered(&mut self, rules: &Rules) {
        self.answered += 1;
        if let Some((second, _)) = &rules.second {
            second.count(Fate::Answered);
        }
    }

    /// A window counts for so much; where the voice changed with it, what was before does not count any more.
    pub fn count(&mut self, share: f64, by_second: bool, changed: bool) {
        if changed {
            (self.by_first, self.by_second) = (0.0, 0.0);
        }
        *if by_second { &mut self.by_second } else { &mut self.by_first } += share;
    }

    /// The model that more of the evidence is from; none without a cascade.
    pub fn given_by(&self, rules: &Rules, first: &Model) -> Option<String> {
        let (second, _) = rules.second.as_ref()?;
        let counted = self.by_first + self.by_second > 0.0;
        let by_second = if counted { self.by_second >= self.by_first } else { self.answered > 0 };
        let model = if by_second { second.model() } else { first };
        Some(model.manifest().name.clone())
    }

    pub fn report(&self, rules: &Rules) -> Option<SecondReport> {
        let (second, _) = rules.second.as_ref()?;
        let manifest = second.model().manifest();
        Some(SecondReport {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            asked: self.answered + self.late,
            answered: self.answered,
            late: self.late,
            over_budget: self.over_budget,
        })
    }
}

/// What a raw score says, by the first model or by the second: the llr, and whether the window is unlike training.
pub(super) fn read(rules: &Rules, first: &Model, raw: RawScore, by_second: bool) -> (f64, bool) {
    let second = rules.second.as_ref().filter(|_| by_second);
    let manifest = second.map_or(first, |(second, _)| second.model()).manifest();
    let novel = raw.novelty.zip(manifest.output.novelty.as_ref()).is_some_and(|(found, n)| found > n.limit);
    let llr = manifest.calibration.llr(raw.score);
    (if by_second { rules.second_llr(llr) } else { rules.llr(llr) }, novel)
}

/// Whether the scores of the first model, or of the second, mean something.
pub(super) fn is_calibrated(rules: &Rules, first: &Model, by_second: bool) -> bool {
    match rules.second.as_ref().filter(|_| by_second) {
        Some((second, site)) => site.is_some() || !second.model().manifest().calibration.uncalibrated,
        None => rules.site.is_some() || !first.manifest().calibration.uncalibrated,
    }
}
