//! Scores by groups, and the figures that take groups into account.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::bootstrap::{Bootstrap, Estimate, Means};
use super::checks::{check_both, invalid};
use super::dcf::{Costs, min_dcf_of};
use super::det::{auc, auc_of, eer_of};
use super::groups::Groups;
use super::ladder::{Climb, Counts, Ladder, once, sort};
use super::likelihood::{bits, min_cllr_of};
use super::operating::{check_rate, false_alarm_of, found_of};
use super::tandem::{Tandem, t_dcf_of};
use crate::error::{Error, Result};

/// A figure of [`Trials`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Figure {
    /// [`eer`](super::eer) of all clips together, from 0 to 1.
    Eer,
    /// The mean over the spoof groups of the EER of each one against all bona fide clips, from 0 to 1: every system has the
    /// same weight, whether it made five clips or five thousand.
    MeanEerOverSystems,
    /// [`auc`](super::auc) of all clips together, from 0 to 1.
    Auc,
    /// The mean of the AUC inside each group that holds both classes, from 0 to 1. Where groups are the pages or corpora that
    /// clips came from, what tells one page from another is of no help here.
    AucInsideGroups,
    /// [`cllr`](super::cllr) of all clips together, in bits.
    Cllr,
    /// [`min_cllr`](super::min_cllr) of all clips together, in bits.
    MinCllr,
    /// [`min_dcf`](super::min_dcf) of all clips together.
    MinDcf,
    /// [`act_dcf`](super::act_dcf) of all clips together.
    ActDcf,
}

impl Figure {
    const ALL: [Self; 8] = [
        Self::Eer,
        Self::MeanEerOverSystems,
        Self::Auc,
        Self::AucInsideGroups,
        Self::Cllr,
        Self::MinCllr,
        Self::MinDcf,
        Self::ActDcf,
    ];

    /// The name as it stands in files: `"mean_eer_over_systems"`. [`FromStr`] reads it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eer => "eer",
            Self::MeanEerOverSystems => "mean_eer_over_systems",
            Self::Auc => "auc",
            Self::AucInsideGroups => "auc_inside_groups",
            Self::Cllr => "cllr",
            Self::MinCllr => "min_cllr",
            Self::MinDcf => "min_dcf",
            Self::ActDcf => "act_dcf",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Figure {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|figure| figure.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            invalid(format!("there is no figure {name:?}; there are {known}"))
        })
    }
}

/// The clips of one class, from the most synthetic score down. Where each clip stands for itself the highest is the first group.
#[derive(Debug, Clone)]
struct Side {
    scores: Vec<f64>,
    groups: Groups,
}

impl Side {
    fn new(scores: &[f64], mut groups: Groups) -> Self {
        let mut pairs: Vec<(f64, u32)> = scores.iter().copied().zip(groups.of.take().into_iter().flatten()).collect();
        pairs.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        if !pairs.is_empty() {
            groups.of = Some(pairs.into_iter().map(|(_, group)| group).collect());
        }
        Self { scores: sort(scores), groups }
    }

    /// The scores of each group, sorted.
    fn by_group(&self) -> Vec<Vec<f64>> {
        let mut scores = vec![Vec::new(); self.groups.len()];
        for (score, group) in self.scores.iter().zip(self.groups.members()) {
            if let Some(scores) = scores.get_mut(group) {
                scores.push(*score);
            }
        }
        scores
    }

    /// How often each clip counts where the groups were drawn so many times.
    fn counts(&self, times: &[u32]) -> Counts {
        Counts::new(self.groups.members().map(|group| times.get(group).copied().unwrap_or_default()))
    }

    fn means(&self, of: impl Fn(f64) -> f64) -> Means {
        Means::new(self.scores.iter().map(|score| of(*score)).zip(self.groups.members()), self.groups.len())
    }
}

/// What can be read off the scores of both classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reading {
    Figure(Figure),
    FalseAlarmAtMiss(f64),
    FoundAtFalseAlarm(f64),
    Tandem(Tandem),
}

/// How a reading comes about.
enum Way<'a> {
    /// From the order of the scores.
    Order(Box<dyn Fn(&Climb) -> f64 + Sync + 'a>),
    /// From how many bona fide clips, and how many spoofs, of the highest so many there are.
    Above(usize, usize, Costs),
    /// From a mean over the bona fide clips and one over the spoofs.
    Means(Means, Means, Box<dyn Fn(f64, f64) -> f64 + Sync + 'a>),
}

/// From how often each group of each side counts to the figure.
type OfWeights<'a> = dyn Fn(&[Vec<u32>]) -> f64 + 'a;

/// A figure under weights, and how many groups each side has.
struct Weighted<'a> {
    sides: Vec<usize>,
    value: Box<OfWeights<'a>>,
}

/// Scores with the groups that their clips belong to, positive = synthetic: bona fide clips by source, spoofs by system, or
/// both by page.
///
/// ```
/// use veravox::metrics::{Bootstrap, Figure, Trials};
///
/// let trials = Trials::new(
///     &[-2.0, -1.0, 0.0, 1.0], &["radio", "radio", "home", "home"],
///     &[2.0, 3.0, 4.0, -1.5], &["engine a", "engine a", "engine a", "engine b"],
/// )?;
/// assert_eq!(trials.value(Figure::Eer)?, 0.25);
/// // Engine a is always found, engine b escapes three times in four.
/// assert_eq!(trials.value(Figure::MeanEerOverSystems)?, (0.0 + 0.875) / 2.0);
/// let estimate = trials.estimate(Figure::MeanEerOverSystems, &Bootstrap::default())?;
/// assert!(estimate.low <= estimate.value && estimate.value <= estimate.high);
/// # Ok::<(), veravox::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Trials {
    bonafide: Side,
    spoof: Side,
    ladder: Ladder,
    costs: Costs,
}

impl Trials {
    /// Scores of both classes, each with the name of its clip's group at the same place. Names that are found in both classes
    /// mean the same group to [`Figure::AucInsideGroups`], and nothing to the other figures.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a class without scores, a score that is not a number, or another number of groups than scores.
    pub fn new(
        bonafide: &[f64],
        bonafide_groups: &[impl AsRef<str>],
        spoof: &[f64],
        spoof_groups: &[impl AsRef<str>],
    ) -> Result<Self> {
        check_both(bonafide, spoof)?;
        let bonafide_groups = Groups::new(bonafide_groups, bonafide.len(), "bonafide")?;
        let spoof_groups = Groups::new(spoof_groups, spoof.len(), "spoof")?;
        Ok(Self::of(Side::new(bonafide, bonafide_groups), Side::new(spoof, spoof_groups)))
    }

    /// Scores of both classes of which nothing more is known: each clip is a group of its own. An interval over them is too
    /// narrow where clips share a speaker or a system.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a class without scores or a score that is not a number.
    pub fn of_clips(bonafide: &[f64], spoof: &[f64]) -> Result<Self> {
        check_both(bonafide, spoof)?;
        let side = |scores: &[f64]| Side::new(scores, Groups::each(scores.len()));
        Ok(Self::of(side(bonafide), side(spoof)))
    }

    fn of(bonafide: Side, spoof: Side) -> Self {
        let ladder = Ladder::new(&bonafide.scores, &spoof.scores);
        Self { bonafide, spoof, ladder, costs: Costs::default() }
    }

    /// How many groups of bona fide clips and of spoofs are drawn.
    #[must_use]
    pub fn n_groups(&self) -> (usize, usize) {
        (self.bonafide.groups.len(), self.spoof.groups.len())
    }

    /// The same trials with other costs for [`Figure::MinDcf`] and [`Figure::ActDcf`] than the default ones.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for costs outside their ranges.
    pub fn with_costs(self, costs: Costs) -> Result<Self> {
        costs.check()?;
        Ok(Self { costs, ..self })
    }

    /// A figure of all clips.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for [`Figure::AucInsideGroups`] where no group holds both classes.
    pub fn value(&self, figure: Figure) -> Result<f64> {
        let figure = self.weighted(figure)?;
        let once: Vec<Vec<u32>> = figure.sides.iter().map(|n_groups| vec![1; *n_groups]).collect();
        Ok((figure.value)(&once))
    }

    /// A figure of all clips, with the interval from drawing groups again: those of both classes, each apart; for
    /// [`Figure::AucInsideGroups`] the groups that hold both.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` as by [`value`](Self::value), or for settings of the bootstrap outside their ranges.
    pub fn estimate(&self, figure: Figure, bootstrap: &Bootstrap) -> Result<Estimate> {
        let value = self.value(figure)?;
        let figure = self.weighted(figure)?;
        let (low, high) = bootstrap.interval(&figure.sides, figure.value)?;
        Ok(Estimate { value, low, high })
    }

    /// Several figures of all clips, with intervals from the same draws, which takes far less time than one after the other.
    ///
    /// # Errors
    ///
    /// As [`estimate`](Self::estimate).
    pub fn estimates(&self, figures: &[Figure], bootstrap: &Bootstrap) -> Result<Vec<Estimate>> {
        let both_classes =
            |figure: &Figure| *figure != Figure::AucInsideGroups && *figure != Figure::MeanEerOverSystems;
        let readings: Vec<Reading> = figures.iter().copied().filter(both_classes).map(Reading::Figure).collect();
        let mut together = self.read(&readings, bootstrap)?.into_iter();
        let one = |figure: &Figure| {
            let missing = || invalid("the figure has no value");
            if both_classes(figure) { together.next().ok_or_else(missing) } else { self.estimate(*figure, bootstrap) }
        };
        figures.iter().map(one).collect()
    }

    /// What is read off the scores of both classes, with intervals from the same draws.
    pub(crate) fn read(&self, readings: &[Reading], bootstrap: &Bootstrap) -> Result<Vec<Estimate>> {
        if readings.is_empty() {
            return Ok(Vec::new());
        }
        let ways = readings.iter().map(|reading| self.way(reading)).collect::<Result<Vec<_>>>()?;
        let sides = [self.bonafide.groups.len(), self.spoof.groups.len()];
        let of_times = |of_bonafide: &[u32], of_spoof: &[u32], climb: &mut Climb, values: &mut [f64]| {
            self.climb(of_bonafide, of_spoof, climb);
            for (value, way) in values.iter_mut().zip(&ways) {
                *value = self.by_way(way, climb, of_bonafide, of_spoof);
            }
        };
        let intervals = bootstrap.intervals(&sides, ways.len(), Climb::default, |times, climb, values| {
            if let [of_bonafide, of_spoof] = times {
                of_times(of_bonafide, of_spoof, climb, values);
            }
        })?;
        let mut values = vec![f64::NAN; ways.len()];
        let once = sides.map(|n_groups| vec![1; n_groups]);
        let [of_bonafide, of_spoof] = &once;
        of_times(of_bonafide, of_spoof, &mut Climb::default(), &mut values);
        Ok(values.into_iter().zip(intervals).map(|(value, (low, high))| Estimate { value, low, high }).collect())
    }

    /// Counts the clips along the ladder where the groups were drawn so many times.
    fn climb(&self, of_bonafide: &[u32], of_spoof: &[u32], climb: &mut Climb) {
        let (bonafide, spoof) = (&self.bonafide.groups, &self.spoof.groups);
        self.ladder.climb_into(climb, |clips| bonafide.count(clips, of_bonafide), |clips| spoof.count(clips, of_spoof));
    }

    fn by_way(&self, way: &Way<'_>, climb: &Climb, of_bonafide: &[u32], of_spoof: &[u32]) -> f64 {
        match way {
            Way::Order(figure) => figure(climb),
            Way::Above(n_bonafide, n_spoof, costs) => {
                let rejected = self.bonafide.groups.count(0..*n_bonafide, of_bonafide);
                let caught = self.spoof.groups.count(0..*n_spoof, of_spoof);
                let accepted = climb.n_spoof.saturating_sub(caught) as f64 / climb.n_spoof as f64;
                costs.normalised(rejected as f64 / climb.n_bonafide as f64, accepted)
            }
            Way::Means(bonafide, spoof, join) => {
                let of = |means: &Means, times: &[u32], n: u64| means.sum(times) / n as f64;
                join(of(bonafide, of_bonafide, climb.n_bonafide), of(spoof, of_spoof, climb.n_spoof))
            }
        }
    }

    fn way(&self, reading: &Reading) -> Result<Way<'_>> {
        let costs = self.costs;
        Ok(match *reading {
            Reading::FalseAlarmAtMiss(rate) => {
                check_rate(rate)?;
                Way::Order(Box::new(move |climb| false_alarm_of(climb, rate)))
            }
            Reading::FoundAtFalseAlarm(rate) => {
                check_rate(rate)?;
                Way::Order(Box::new(move |climb| found_of(climb, rate)))
            }
            Reading::Tandem(tandem) => {
                let weights = tandem.weights()?;
                Way::Order(Box::new(move |climb| t_dcf_of(climb, weights)))
            }
            Reading::Figure(Figure::Eer) => Way::Order(Box::new(eer_of)),
            Reading::Figure(Figure::Auc) => Way::Order(Box::new(auc_of)),
            Reading::Figure(Figure::MinCllr) => Way::Order(Box::new(min_cllr_of)),
            Reading::Figure(Figure::MinDcf) => Way::Order(Box::new(move |climb| min_dcf_of(climb, &costs))),
            Reading::Figure(Figure::Cllr) => {
                let (of_bonafide, of_spoof) = (self.bonafide.means(bits), self.spoof.means(|llr| bits(-llr)));
                Way::Means(of_bonafide, of_spoof, Box::new(f64::midpoint))
            }
            Reading::Figure(Figure::ActDcf) => {
                let threshold = costs.threshold();
                let above = |side: &Side| side.scores.partition_point(|llr| *llr > threshold);
                Way::Above(above(&self.bonafide), above(&self.spoof), costs)
            }
            Reading::Figure(Figure::MeanEerOverSystems | Figure::AucInsideGroups) => {
                return Err(invalid("a figure by groups is not read off both classes"));
            }
        })
    }

    /// The EER of each spoof group against all bona fide clips, by name.
    #[must_use]
    pub fn eer_by_system(&self) -> Vec<(&str, f64)> {
        let names = self.spoof.groups.names.iter().map(String::as_str);
        let eers = self.systems().into_iter().map(|ladder| eer_of(&ladder.climb(once, once)));
        names.zip(eers).collect()
    }

    /// A ladder for each spoof group against all bona fide clips.
    fn systems(&self) -> Vec<Ladder> {
        let ladder = |scores: Vec<f64>| Ladder::new(&self.bonafide.scores, &scores);
        self.spoof.by_group().into_iter().map(ladder).collect()
    }

    /// Both classes of each group that holds both.
    fn shared_groups(&self) -> Vec<(Vec<f64>, Vec<f64>)> {
        let spoof: BTreeMap<_, _> = self.spoof.groups.names.iter().zip(self.spoof.by_group()).collect();
        let bonafide = self.bonafide.groups.names.iter().zip(self.bonafide.by_group());
        bonafide.filter_map(|(name, scores)| Some((scores, spoof.get(name)?.clone()))).collect()
    }

    fn weighted(&self, figure: Figure) -> Result<Weighted<'_>> {
        Ok(match figure {
            Figure::Eer | Figure::Auc | Figure::MinCllr | Figure::MinDcf | Figure::Cllr | Figure::ActDcf => {
                let way = self.way(&Reading::Figure(figure))?;
                self.of_both_sides(move |bonafide, spoof| {
                    let mut climb = Climb::default();
                    self.climb(bonafide, spoof, &mut climb);
                    self.by_way(&way, &climb, bonafide, spoof)
                })
            }
            Figure::MeanEerOverSystems => {
                let systems = self.systems();
                self.of_both_sides(move |bonafide, spoof| {
                    let bonafide = self.bonafide.counts(bonafide);
                    let drawn = systems.iter().zip(spoof).filter(|(_, times)| **times > 0);
                    let eer = |ladder: &Ladder| eer_of(&ladder.climb(|clips| bonafide.of(clips), once));
                    let of_each = drawn.map(|(ladder, n)| f64::from(*n) * eer(ladder));
                    of_each.sum::<f64>() / f64::from(spoof.iter().sum::<u32>())
                })
            }
            Figure::AucInsideGroups => {
                let shared = self.shared_groups();
                if shared.is_empty() {
                    return Err(invalid("no group holds scores of both classes"));
                }
                let aucs: Result<Vec<f64>> = shared.iter().map(|(bonafide, spoof)| auc(bonafide, spoof)).collect();
                let means = Means::new(aucs?.into_iter().zip(0..), shared.len());
                let value = move |times: &[Vec<u32>]| times.first().map_or(f64::NAN, |times| means.weighted(times));
                Weighted { sides: vec![shared.len()], value: Box::new(value) }
            }
        })
    }

    fn of_both_sides<'a>(&'a self, value: impl Fn(&[u32], &[u32]) -> f64 + 'a) -> Weighted<'a> {
        let value = move |times: &[Vec<u32>]| match times {
            [bonafide, spoof] => value(bonafide, spoof),
            _ => f64::NAN,
        };
        Weighted { sides: vec![self.bonafide.groups.len(), self.spoof.groups.len()], value: Box::new(value) }
    }
}
