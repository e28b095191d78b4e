//! Whether the detector can do anything with the material, before anybody sets a threshold by it.

use serde::Serialize;

use crate::metrics::Estimate;

/// Fewer trials of a class than this, or groups, say little; fewer than the lesser numbers next to nothing.
const FEW_TRIALS: usize = 100;
const FEW_GROUPS: usize = 20;

/// Of so many orders of the groups at least the best must be one: as seldom does chance lie beyond one end of a 95 % interval. The
/// bootstrap cannot know it: where few groups are in the best order, so are all that are drawn of them.
const LEAST_ORDERS: f64 = 40.0;

/// In how many ways so many of one class and so many of another can follow each other.
fn orders(a: usize, b: usize) -> f64 {
    let (few, many) = (a.min(b).min(64), a.max(b));
    (1..=few).map(|n| (many + n) as f64 / n as f64).product()
}

/// The judgement, and what speaks for caution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Competence {
    /// Whether the scores tell the classes apart beyond chance, the way that they should.
    pub competent: bool,
    /// Whether they tell them apart the wrong way round: the file's polarity is another than was taken.
    pub reversed: bool,
    /// The judgement in a sentence.
    pub verdict: String,
    /// What speaks for caution, a sentence each.
    pub cautions: Vec<String>,
}

/// What there is of a class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    pub trials: usize,
    pub scored: usize,
    /// Groups that are drawn again, if clips are grouped.
    pub groups: Option<usize>,
}

pub(super) fn judge(
    eer: &Estimate,
    auc: &Estimate,
    bonafide: Amount,
    spoof: Amount,
    grouped_by: Option<&str>,
) -> Competence {
    let units = |amount: Amount| amount.groups.unwrap_or(amount.trials);
    let orders = orders(units(bonafide), units(spoof));
    let too_few = orders < LEAST_ORDERS;
    let reversed = auc.high < 0.5 && !too_few;
    let competent = auc.low > 0.5 && eer.high < 0.5 && !too_few;
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let interval = format!(
        "AUC {:.3} ({:.3} to {:.3}), EER {} ({} to {})",
        auc.value,
        auc.low,
        auc.high,
        percent(eer.value),
        percent(eer.low),
        percent(eer.high)
    );
    let verdict = if too_few {
        let what = grouped_by.map_or_else(|| "trials".to_owned(), |by| format!("groups by {by}"));
        format!(
            "Not shown to be competent: {} bona fide and {} synthetic {what} are too few. Scores at random put them in the best \
             order once in {orders:.0} times ({interval}).",
            units(bonafide),
            units(spoof)
        )
    } else if reversed {
        format!(
            "The scores look reversed: machines score lower than people ({interval}). State the other polarity; it would give \
             an AUC of {:.3}.",
            1.0 - auc.value
        )
    } else if competent {
        format!("The detector tells people from machines on this material better than chance: {interval}.")
    } else {
        format!(
            "Not competent on this material: the intervals do not exclude chance ({interval}). No threshold makes these scores \
             useful; more trials may show more, or another model."
        )
    };
    let mut cautions = Vec::new();
    for (words, amount) in [("bona fide", bonafide), ("synthetic", spoof)] {
        if amount.trials < FEW_TRIALS {
            cautions.push(format!(
                "Few {words} trials, {}: an error rate of 10 % is known to {:.0} points either way at best.",
                amount.trials,
                196.0 * (0.09 / amount.trials.max(1) as f64).sqrt()
            ));
        }
        if let (Some(groups), Some(by)) = (amount.groups, grouped_by)
            && groups < FEW_GROUPS
        {
            let note = if groups < 5 { ": the interval cannot be trusted" } else { "" };
            cautions.push(format!(
                "The {words} trials come from {groups} {by}{} only{note}.",
                if groups == 1 { "" } else { "s" }
            ));
        }
        let unscored = amount.trials - amount.scored;
        if unscored * 20 > amount.trials {
            cautions
                .push(format!("{unscored} of {} {words} trials have no score and count as undecided.", amount.trials));
        }
    }
    if grouped_by.is_none() {
        cautions.push("Speakers and sources are not known, so each clip is drawn for itself: the intervals are too narrow where clips share them.".to_owned());
    }
    Competence { competent, reversed, verdict, cautions }
}
