//! What scores are worth.

use std::collections::BTreeMap;

use serde::Serialize;

use super::competence::{Amount, Competence, judge};
use super::curves::Curves;
use super::key::{Column, KeyFormat, invalid};
use super::scores::Direction;
use super::trials::{Problem, ProblemKind, Trials};
use crate::error::Result;
use crate::metrics::{self, Bootstrap, Costs, Estimate, Figure, Reading, Tandem};
use crate::model::manifest::Label;

/// What is asked of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationOptions {
    /// Prior and costs of minDCF, actDCF and the Bayes threshold; those of `ASVspoof` 5 by default.
    pub costs: Costs,
    /// The speaker verification of the t-DCF; none without it.
    pub tandem: Option<Tandem>,
    /// Miss rates at which the false-alarm rate is given; 1, 5 and 10 % by default.
    pub miss_rates: Vec<f64>,
    /// False-alarm rates at which the share of machines found is given; 0.1, 1 and 5 % by default.
    pub false_alarm_rates: Vec<f64>,
    /// Rounds, confidence and seed of the intervals.
    pub bootstrap: Bootstrap,
    /// The column by which clips are drawn again; speaker, source, page or call by default, where the key has one.
    pub resample_by: Option<String>,
    /// The columns to group by; each that has 2 to 100 values by default.
    pub by: Option<Vec<String>>,
}

impl Default for EvaluationOptions {
    fn default() -> Self {
        Self {
            costs: Costs::default(),
            tandem: None,
            miss_rates: vec![0.01, 0.05, 0.1],
            false_alarm_rates: vec![0.001, 0.01, 0.05],
            bootstrap: Bootstrap::default(),
            resample_by: None,
            by: None,
        }
    }
}

/// The version of the form of [`Evaluation`] as JSON.
const SCHEMA_VERSION: u32 = 1;
const MOST_VALUES: usize = 100;
const LISTED_PROBLEMS: usize = 50;

/// What scores are worth on trials. Rates are shares from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// 1.
    pub schema_version: u32,
    /// The keys and their forms.
    pub keys: Vec<(String, KeyFormat)>,
    /// The score file.
    pub scores: String,
    /// Which way its scores pointed.
    pub direction: Direction,
    /// Whether that was stated, rather than what such files usually have.
    pub direction_stated: bool,
    /// Whether the scores are likelihood ratios by what the file says of itself. Of others Cllr and actDCF mean little.
    pub are_llrs: bool,
    /// Bona fide trials.
    pub n_bonafide: usize,
    /// Spoofs.
    pub n_spoof: usize,
    /// Trials that the detector gave no score, bona fide and spoofs. They count as undecided, llr 0.
    pub n_unscored: (usize, usize),
    /// How the intervals were made.
    pub resampling: Resampling,
    /// Whether the detector can do anything with the material. Look here first.
    pub competence: Competence,
    /// The figures of all trials.
    pub figures: Figures,
    /// The threshold that the costs ask for, and what comes of it.
    pub threshold: Threshold,
    /// Prior and costs.
    pub costs: Costs,
    /// The figures by group.
    pub groups: Vec<GroupTable>,
    /// What there is to draw.
    pub curves: Curves,
    /// How often each problem came, and the first of each kind.
    pub problems: Vec<Problem>,
    /// How many there are of each kind.
    pub n_problems: BTreeMap<ProblemKind, usize>,
}

/// How intervals were made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resampling {
    /// The column whose groups are drawn again; none where each clip stands for itself.
    pub by: Option<String>,
    /// Groups of bona fide trials.
    pub n_bonafide: usize,
    /// Groups of spoofs.
    pub n_spoof: usize,
    /// How often they were drawn.
    pub rounds: usize,
    /// The share of rounds inside the intervals.
    pub confidence: f64,
}

/// The figures of merit with their intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Equal error rate.
    pub eer: Estimate,
    /// Area under the ROC curve.
    pub auc: Estimate,
    /// Least normalised cost.
    pub min_dcf: Estimate,
    /// Normalised cost of deciding by the scores as they are.
    pub act_dcf: Estimate,
    /// Cost of the scores in bits.
    pub cllr: Estimate,
    /// What of it no calibration can mend.
    pub min_cllr: Estimate,
    /// Least tandem cost, where a speaker verification was named.
    pub min_t_dcf: Option<TandemFigure>,
    /// The share of people called synthetic where so many machines escape.
    pub false_alarm_at_miss: Vec<OperatingPoint>,
    /// The share of machines found where so many people are called synthetic.
    pub found_at_false_alarm: Vec<OperatingPoint>,
}

/// The least tandem cost and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TandemFigure {
    /// The cost.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Rates, priors and costs.
    pub tandem: Tandem,
}

/// One error rate where the other is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperatingPoint {
    /// The rate that is given.
    pub at: f64,
    /// The other one.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// A threshold and what comes of it on these trials.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Threshold {
    /// From this llr on it costs less to call a clip synthetic.
    pub llr: f64,
    /// The share of people called synthetic.
    pub false_alarm: f64,
    /// The share of machines that escape.
    pub miss: f64,
    /// The share of right ones among all alarms, at the stated prior; none without an alarm.
    pub right_alarms: Option<f64>,
    /// Alarms among a thousand calls at the stated prior.
    pub alarms_in_1000: f64,
}

/// The figures by the values of a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupTable {
    /// The column, or several joined by `+`.
    pub by: String,
    /// A row for each value, in the order of the values.
    pub rows: Vec<GroupRow>,
}

/// The figures of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupRow {
    /// The value.
    pub value: String,
    /// Bona fide trials that the row rests on.
    pub n_bonafide: usize,
    /// Spoofs that the row rests on.
    pub n_spoof: usize,
    /// The class that the group has none of, for which all trials of that class stand in.
    pub against_all: Option<Label>,
    /// Equal error rate, where both classes have trials.
    pub eer: Option<Estimate>,
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Least normalised cost.
    pub min_dcf: Option<f64>,
    /// Normalised cost of deciding by the scores as they are.
    pub act_dcf: Option<f64>,
    /// Cost in bits.
    pub cllr: Option<f64>,
    /// The share of the row's people called synthetic at the threshold of the costs; none where they are all people.
    pub false_alarm: Option<f64>,
    /// The share of the row's machines that escape at it.
    pub miss: Option<f64>,
}

impl Evaluation {
    /// Computes it.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for a column that is not there, and for costs, rates and settings
    /// of the bootstrap outside their ranges.
    pub fn of(trials: &Trials, options: &EvaluationOptions) -> Result<Self> {
        let by = match &options.resample_by {
            Some(name) => Some(trials.column(name).ok_or_else(|| no_column(trials, name))?),
            None => trials.clusters(),
        };
        let all: Vec<usize> = (0..trials.trials.len()).collect();
        let pile = Pile::new(trials, &all, by)?.with_costs(options.costs)?;
        let figures = pile.figures(options)?;
        let (n_bonafide, n_spoof) = pile.of.n_groups();
        let by = by.map(|column| column.name.clone());
        let unscored = |label| trials.trials.iter().filter(|t| t.label == label && !t.scored).count();
        let n_unscored = (unscored(Label::Bonafide), unscored(Label::Spoof));
        let amount = |scores: &[f64], unscored, groups| Amount {
            trials: scores.len(),
            scored: scores.len() - unscored,
            groups: by.is_some().then_some(groups),
        };
        let competence = judge(
            &figures.eer,
            &figures.auc,
            amount(&pile.bonafide, n_unscored.0, n_bonafide),
            amount(&pile.spoof, n_unscored.1, n_spoof),
            by.as_deref(),
        );
        let mut n_problems = BTreeMap::new();
        let mut problems = Vec::new();
        for problem in &trials.problems {
            let n = n_problems.entry(problem.kind).or_insert(0);
            *n += 1;
            if *n <= LISTED_PROBLEMS {
                problems.push(problem.clone());
            }
        }
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            keys: trials.keys.clone(),
            scores: trials.scores.clone(),
            direction: trials.direction,
            direction_stated: trials.direction_stated,
            are_llrs: trials.are_llrs,
            n_bonafide: pile.bonafide.len(),
            n_spoof: pile.spoof.len(),
            n_unscored,
            resampling: Resampling {
                by,
                n_bonafide,
                n_spoof,
                rounds: options.bootstrap.rounds,
                confidence: options.bootstrap.confidence,
            },
            competence,
            figures,
            threshold: Threshold::of(&pile.bonafide, &pile.spoof, &options.costs),
            costs: options.costs,
            groups: groups(trials, options)?,
            curves: Curves::of(&pile.bonafide, &pile.spoof)?,
            problems,
            n_problems,
        })
    }
}

impl Threshold {
    /// The Bayes threshold of the costs, and what comes of it.
    fn of(bonafide: &[f64], spoof: &[f64], costs: &Costs) -> Self {
        let llr = costs.threshold();
        let share = |scores: &[f64]| scores.iter().filter(|score| **score > llr).count() as f64 / scores.len() as f64;
        let (false_alarm, found) = (share(bonafide), share(spoof));
        let (right, wrong) = (costs.spoof_prior * found, (1.0 - costs.spoof_prior) * false_alarm);
        Self {
            llr,
            false_alarm,
            miss: 1.0 - found,
            right_alarms: (right + wrong > 0.0).then(|| right / (right + wrong)),
            alarms_in_1000: 1_000.0 * (right + wrong),
        }
    }
}

/// Trials of both classes, or some of them, ready for figures.
struct Pile {
    bonafide: Vec<f64>,
    spoof: Vec<f64>,
    of: metrics::Trials,
}

impl Pile {
    fn new(trials: &Trials, some: &[usize], by: Option<&Column>) -> Result<Self> {
        let side = |label| {
            let of_class = some
                .iter()
                .filter_map(move |n| trials.trials.get(*n).map(|t| (*n, t)))
                .filter(move |(_, t)| t.label == label);
            let (mut scores, mut groups) = (Vec::new(), Vec::new());
            for (n, trial) in of_class {
                scores.push(trial.llr);
                if let Some(by) = by {
                    // A trial whose speaker nobody knows is one of its own.
                    groups.push(by.value(n).map_or_else(|| format!("\0{n}"), str::to_owned));
                }
            }
            (scores, groups)
        };
        let ((bonafide, bonafide_groups), (spoof, spoof_groups)) = (side(Label::Bonafide), side(Label::Spoof));
        let of = match by {
            Some(_) => metrics::Trials::new(&bonafide, &bonafide_groups, &spoof, &spoof_groups)?,
            None => metrics::Trials::of_clips(&bonafide, &spoof)?,
        };
        Ok(Self { bonafide, spoof, of })
    }

    fn with_costs(self, costs: Costs) -> Result<Self> {
        Ok(Self { of: self.of.with_costs(costs)?, ..self })
    }

    fn figures(&self, options: &EvaluationOptions) -> Result<Figures> {
        let figures = [Figure::Eer, Figure::Auc, Figure::MinDcf, Figure::ActDcf, Figure::Cllr, Figure::MinCllr];
        let mut readings: Vec<Reading> = figures.map(Reading::Figure).into();
        readings.extend(options.miss_rates.iter().copied().map(Reading::FalseAlarmAtMiss));
        readings.extend(options.false_alarm_rates.iter().copied().map(Reading::FoundAtFalseAlarm));
        readings.extend(options.tandem.map(Reading::Tandem));
        let found = self.of.read(&readings, &options.bootstrap)?;
        let [eer, auc, min_dcf, act_dcf, cllr, min_cllr, rest @ ..] = found.as_slice() else {
            return Err(invalid("evaluation", None, "a figure has no value"));
        };
        let mut rest = rest.iter().copied();
        let mut points = |rates: &[f64]| {
            rates.iter().zip(&mut rest).map(|(at, estimate)| OperatingPoint { at: *at, estimate }).collect()
        };
        let (alarms, found) = (points(&options.miss_rates), points(&options.false_alarm_rates));
        let min_t_dcf = options.tandem.zip(rest.next()).map(|(tandem, estimate)| TandemFigure { estimate, tandem });
        Ok(Figures {
            eer: *eer,
            auc: *auc,
            min_dcf: *min_dcf,
            act_dcf: *act_dcf,
            cllr: *cllr,
            min_cllr: *min_cllr,
            min_t_dcf,
            false_alarm_at_miss: alarms,
            found_at_false_alarm: found,
        })
    }
}

fn no_column(trials: &Trials, name: &str) -> crate::error::Error {
    let known: Vec<&str> = trials.columns.iter().map(|column| column.name.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let key = trials.keys.first().map_or("the key", |(name, _)| name.as_str());
    invalid(key, None, &format!("there is no column {name:?} to group by; there are {known}"))
}

fn groups(trials: &Trials, options: &EvaluationOptions) -> Result<Vec<GroupTable>> {
    let several = |column: &&Column| {
        let known: std::collections::BTreeSet<u32> = column.of.iter().flatten().copied().collect();
        // Of a class that has no values the rest is a group as well.
        known.len() + usize::from(column.of.iter().any(Option::is_none)) >= 2
            && known.len() <= MOST_VALUES
            && column.name != "speaker"
    };
    match &options.by {
        None => trials.columns.iter().filter(several).map(|column| table(trials, &[column], options)).collect(),
        Some(names) => names
            .iter()
            .map(|name| {
                let columns = name.split('+').map(|name| trials.column(name).ok_or_else(|| no_column(trials, name)));
                table(trials, &columns.collect::<Result<Vec<_>>>()?, options)
            })
            .collect(),
    }
}

fn table(trials: &Trials, columns: &[&Column], options: &EvaluationOptions) -> Result<GroupTable> {
    let mut members: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for n in 0..trials.trials.len() {
        let values: Option<Vec<&str>> = columns.iter().map(|column| column.value(n)).collect();
        if let Some(values) = values {
            members.entry(values.join(" + ")).or_default().push(n);
        }
    }
    let by = columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join("+");
    let mut members: Vec<(String, Vec<usize>)> = members.into_iter().collect();
    // Numbers by their size: 2 to 4 s comes before 10 to 30 s.
    members.sort_by(|(a, _), (b, _)| leading_number(a).total_cmp(&leading_number(b)).then_with(|| a.cmp(b)));
    let rows = members.into_iter().map(|(value, members)| row(trials, columns, value, members, options));
    Ok(GroupTable { by, rows: rows.collect::<Result<_>>()? })
}

/// The number that a value begins with; infinite where it begins with none.
fn leading_number(value: &str) -> f64 {
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    value.get(..end).and_then(|number| number.parse().ok()).unwrap_or(f64::INFINITY)
}

fn row(
    trials: &Trials,
    columns: &[&Column],
    value: String,
    mut members: Vec<usize>,
    options: &EvaluationOptions,
) -> Result<GroupRow> {
    let label = |n: &usize| trials.trials.get(*n).map(|trial| trial.label);
    let has = |members: &[usize], class| members.iter().any(|n| label(n) == Some(class));
    let (has_bonafide, has_spoof) = (has(&members, Label::Bonafide), has(&members, Label::Spoof));
    let against_all = match (has_bonafide, has_spoof) {
        (true, true) => None,
        (true, false) => Some(Label::Spoof),
        _ => Some(Label::Bonafide),
    };
    if let Some(missing) = against_all {
        // Attacks have no people of their own: by attack and codec those of the same codec stand against them.
        let example = members.first().copied().unwrap_or_default();
        let others = (0..trials.trials.len()).filter(|n| label(n) == Some(missing));
        let of_others = |column: &&&Column| {
            let value = column.value(example);
            (0..trials.trials.len()).any(|n| label(&n) == Some(missing) && column.value(n) == value)
        };
        let shared: Vec<&&Column> = columns.iter().filter(of_others).collect();
        members.extend(others.filter(|n| shared.iter().all(|column| column.value(*n) == column.value(example))));
    }
    let count = |class| members.iter().filter(|n| label(n) == Some(class)).count();
    let (n_bonafide, n_spoof) = (count(Label::Bonafide), count(Label::Spoof));
    let mut row = GroupRow {
        value,
        n_bonafide,
        n_spoof,
        against_all,
        eer: None,
        auc: None,
        min_dcf: None,
        act_dcf: None,
        cllr: None,
        false_alarm: None,
        miss: None,
    };
    if n_bonafide == 0 || n_spoof == 0 {
        return Ok(row);
    }
    let by = options.resample_by.as_deref().and_then(|name| trials.column(name)).or_else(|| trials.clusters());
    let pile = Pile::new(trials, &members, by)?.with_costs(options.costs)?;
    row.eer = pile.of.estimates(&[Figure::Eer], &options.bootstrap)?.pop();
    row.auc = Some(pile.of.value(Figure::Auc)?);
    row.min_dcf = Some(pile.of.value(Figure::MinDcf)?);
    row.act_dcf = Some(pile.of.value(Figure::ActDcf)?);
    row.cllr = Some(pile.of.value(Figure::Cllr)?);
    let threshold = Threshold::of(&pile.bonafide, &pile.spoof, &options.costs);
    row.false_alarm = has_bonafide.then_some(threshold.false_alarm);
    row.miss = has_spoof.then_some(threshold.miss);
    Ok(row)
}
