//! Thresholds from priors and costs, and what alarms are worth.

use clap::Args;
use veravox::decide::{DecisionCosts, Thresholds};
use veravox::metrics::Costs;
use veravox::report::{FileReport, Outcome};
use veravox::{Decision, ThresholdChanges};

/// Where decisions are made.
#[derive(Args, Default)]
pub struct DecisionArguments {
    /// Prior probability of a synthetic voice that the probability is stated at; the model's own without it. It moves the
    /// thresholds only together with a cost.
    #[arg(long, value_name = "P")]
    pub prior: Option<f64>,
    /// A leg at or above this llr is synthetic; the model's own without it.
    #[arg(long, value_name = "LLR", allow_negative_numbers = true)]
    pub synthetic_llr: Option<f64>,
    /// A leg at or below this llr is bona fide; the model's own without it.
    #[arg(long, value_name = "LLR", allow_negative_numbers = true)]
    pub bonafide_llr: Option<f64>,
    /// Cost of calling a person synthetic, in any one unit. With one cost given, thresholds follow from prior and costs; those
    /// not given are 1, and 0.15 for no verdict.
    #[arg(long, value_name = "COST")]
    pub cost_false_alarm: Option<f64>,
    /// Cost of calling a machine bona fide.
    #[arg(long, value_name = "COST")]
    pub cost_miss: Option<f64>,
    /// Cost of no verdict.
    #[arg(long, value_name = "COST")]
    pub cost_undecided: Option<f64>,
    /// Call at most this share of the site's people synthetic, 0 to 1; needs --calibration.
    #[arg(long, value_name = "RATE", conflicts_with = "synthetic_llr")]
    pub target_false_alarm: Option<f64>,
}

impl DecisionArguments {
    /// What takes the place of the model's own.
    pub fn thresholds(&self) -> ThresholdChanges {
        ThresholdChanges {
            prior: self.prior,
            costs: self.costs(),
            synthetic_llr: self.synthetic_llr,
            bonafide_llr: self.bonafide_llr,
        }
    }

    fn costs(&self) -> Option<DecisionCosts> {
        DecisionCosts::given(self.cost_false_alarm, self.cost_miss, self.cost_undecided)
    }

    /// Whether anything was set that moves thresholds or odds.
    pub fn any(&self) -> bool {
        self.thresholds() != ThresholdChanges::default() || self.target_false_alarm.is_some()
    }
}

/// What the detection cost functions weigh by. Unlike those of [`DecisionArguments`] they have defaults, the field's own.
#[derive(Args)]
pub struct CostArguments {
    /// Prior probability of a synthetic voice in minDCF and actDCF.
    #[arg(long, value_name = "P", default_value_t = Costs::default().spoof_prior)]
    prior: f64,
    /// Cost of calling a person synthetic, in these.
    #[arg(long, value_name = "COST", default_value_t = Costs::default().reject_bonafide)]
    cost_false_alarm: f64,
    /// Cost of letting a machine pass, in these.
    #[arg(long, value_name = "COST", default_value_t = Costs::default().accept_spoof)]
    cost_miss: f64,
}

impl CostArguments {
    pub fn costs(&self) -> Costs {
        Costs { spoof_prior: self.prior, reject_bonafide: self.cost_false_alarm, accept_spoof: self.cost_miss }
    }
}

/// The alarms of a batch, and how many of them should be right.
#[derive(Default)]
pub struct Alarms {
    n: usize,
    right: f64,
    thresholds: Option<Thresholds>,
}

impl Alarms {
    pub fn add(&mut self, report: &FileReport) {
        let Outcome::Scanned(call) = &report.outcome else { return };
        self.thresholds = Some(call.head.thresholds);
        for leg in call.legs.iter().filter(|leg| leg.decision == Decision::Synthetic) {
            self.n += 1;
            self.right += leg.probability.unwrap_or_default();
        }
    }

    /// Thresholds and odds in a sentence or two; none before a file was scanned.
    pub fn words(&self) -> Option<String> {
        let Thresholds { prior, synthetic_llr, bonafide_llr } = self.thresholds?;
        let percent = |share: f64| (1e4 * share).round() / 1e2;
        let at = format!(
            "synthetic from llr {synthetic_llr:+.2}, bona fide down from {bonafide_llr:+.2}, at a prior of {} %",
            percent(prior)
        );
        Some(match self.n {
            0 => format!("{at}; no alarm"),
            n => format!(
                "{at}; of {n} alarm{} {:.1} should be right ({:.0} %), if the scores are what they claim to be",
                if n == 1 { "" } else { "s" },
                self.right,
                100.0 * self.right / n as f64
            ),
        })
    }
}
