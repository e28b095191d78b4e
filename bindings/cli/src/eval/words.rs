//! An evaluation in words and tables for the terminal.

use std::fmt::Write as _;

use veravox::evaluate::{Direction, Evaluation};
use veravox::manifest::Label;
use veravox::metrics::Estimate;

use crate::words::{BOLD, DIM, GREEN, RED, YELLOW};

/// Rows of a table that are printed; the page and the JSON have all.
const MOST_ROWS: usize = 30;

pub fn report(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, evaluation);
    text
}

fn write(text: &mut String, e: &Evaluation) -> std::fmt::Result {
    let keys: Vec<&str> = e.keys.iter().map(|(name, _)| name.as_str()).collect();
    writeln!(text, "{BOLD}{}{BOLD:#} against {}", e.scores, keys.join(", "))?;
    writeln!(text, "{} bona fide and {} synthetic trials; {}", e.n_bonafide, e.n_spoof, polarity(e))?;
    writeln!(text, "{DIM}{}{DIM:#}\n", intervals(e))?;
    let style = if e.competence.competent { GREEN } else { RED };
    writeln!(text, "{style}{}{style:#}", e.competence.verdict)?;
    for caution in &e.competence.cautions {
        writeln!(text, "{YELLOW}note{YELLOW:#} {caution}")?;
    }
    for line in problem_lines(e) {
        writeln!(text, "{YELLOW}note{YELLOW:#} {line}")?;
    }
    writeln!(text)?;
    for (name, value) in figure_rows(e) {
        writeln!(text, "{name:44} {value}")?;
    }
    writeln!(text)?;
    for line in threshold_lines(e) {
        writeln!(text, "{line}")?;
    }
    for table in &e.groups {
        let width = table.rows.iter().map(|row| row.value.chars().count()).max().unwrap_or(0).clamp(8, 40);
        writeln!(text, "\n{BOLD}by {}{BOLD:#}", table.by)?;
        writeln!(text, "{DIM}{:width$}  bona fide  synthetic  EER, %                AUC    actDCF{DIM:#}", "")?;
        for row in table.rows.iter().take(MOST_ROWS) {
            let [bonafide, spoof] = group_counts(row);
            let eer = row.eer.map_or_else(|| "-".to_owned(), |eer| percent(&eer));
            let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
            writeln!(
                text,
                "{:width$}  {bonafide:>9}  {spoof:>9}  {eer:20}  {:5}  {:5}",
                row.value,
                number(row.auc),
                number(row.act_dcf)
            )?;
        }
        if table.rows.len() > MOST_ROWS {
            writeln!(text, "{DIM}and {} more{DIM:#}", table.rows.len() - MOST_ROWS)?;
        }
        if let Some(note) = few_in(table) {
            writeln!(text, "{DIM}{note}{DIM:#}")?;
        }
    }
    Ok(())
}

/// Rows of fewer trials of a class are said to mean little.
const FEW_IN_A_ROW: usize = 20;

/// What is to be said of a table with rows of few trials.
pub fn few_in(table: &veravox::evaluate::GroupTable) -> Option<String> {
    let few = table.rows.iter().filter(|row| row.n_bonafide.min(row.n_spoof) < FEW_IN_A_ROW).count();
    (few > 0).then(|| {
        format!("{few} of {} rows have fewer than {FEW_IN_A_ROW} trials of a class, and mean little.", table.rows.len())
    })
}

/// The trials of a row; `all` where it has none of a class and every one stands in.
pub fn group_counts(row: &veravox::evaluate::GroupRow) -> [String; 2] {
    let count = |n: usize, label| if row.against_all == Some(label) { format!("all {n}") } else { n.to_string() };
    [count(row.n_bonafide, Label::Bonafide), count(row.n_spoof, Label::Spoof)]
}

pub fn polarity(e: &Evaluation) -> String {
    let (higher, taken) = match e.direction {
        Direction::HigherIsSpoof => ("synthetic", "as they are"),
        Direction::HigherIsBonafide => ("bona fide", "turned round, so that positive speaks for synthetic"),
    };
    let why = if e.direction_stated { "as stated" } else { "as such files usually have it" };
    format!("higher scores speak for {higher} ({why}) and are taken {taken}")
}

pub fn intervals(e: &Evaluation) -> String {
    let r = &e.resampling;
    let drawn = r.by.as_ref().map_or_else(
        || "each clip drawn for itself".to_owned(),
        |by| {
            format!(
                "whole groups by {by} drawn again ({} of bona fide, {} of synthetic trials)",
                r.n_bonafide, r.n_spoof
            )
        },
    );
    format!("In brackets {:.0} % intervals of the bootstrap, {} rounds, {drawn}.", 100.0 * r.confidence, r.rounds)
}

pub fn problem_lines(e: &Evaluation) -> Vec<String> {
    let line = |(kind, n): (&veravox::evaluate::ProblemKind, &usize)| {
        let of_kind = e.problems.iter().filter(|problem| problem.kind == *kind).take(3);
        let examples: Vec<String> = of_kind.map(|p| format!("{} ({})", p.file, p.place)).collect();
        let more = if *n > 3 { " …" } else { "" };
        format!("{n} {}: {}{more}", kind.describe(), examples.join(", "))
    };
    e.n_problems.iter().map(line).collect()
}

pub fn percent(estimate: &Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    format!("{:.2} ({:.2} to {:.2})", 100.0 * value, 100.0 * low, 100.0 * high)
}

fn plain(estimate: &Estimate) -> String {
    format!("{:.4} ({:.4} to {:.4})", estimate.value, estimate.low, estimate.high)
}

/// A rate as people say it: `1 %`, `0.1 %`.
pub fn rate(share: f64) -> String {
    format!("{} %", (100_000.0 * share).round() / 1_000.0)
}

/// The figures, name and value.
pub fn figure_rows(e: &Evaluation) -> Vec<(String, String)> {
    let f = &e.figures;
    let mut rows = vec![
        ("EER, %".to_owned(), percent(&f.eer)),
        ("AUC".to_owned(), plain(&f.auc)),
        ("minDCF".to_owned(), plain(&f.min_dcf)),
        ("actDCF".to_owned(), plain(&f.act_dcf)),
        ("Cllr, bits".to_owned(), plain(&f.cllr)),
        ("minCllr, bits".to_owned(), plain(&f.min_cllr)),
    ];
    rows.extend(f.min_t_dcf.iter().map(|tandem| {
        let form = if tandem.tandem.legacy { "min t-DCF (2019)" } else { "min t-DCF" };
        (form.to_owned(), plain(&tandem.estimate))
    }));
    rows.extend(
        f.false_alarm_at_miss.iter().map(|point| {
            (format!("people called synthetic at {} missed, %", rate(point.at)), percent(&point.estimate))
        }),
    );
    rows.extend(
        f.found_at_false_alarm
            .iter()
            .map(|point| (format!("machines found at {} false alarms, %", rate(point.at)), percent(&point.estimate))),
    );
    rows
}

/// The threshold that follows from prior and costs, and what it does here.
pub fn threshold_lines(e: &Evaluation) -> Vec<String> {
    let (t, c) = (&e.threshold, &e.costs);
    let mut lines = vec![format!(
        "Prior {}, a false alarm costs {}, a miss {}: the Bayes threshold is llr {:+.3}.",
        rate(c.spoof_prior),
        c.reject_bonafide,
        c.accept_spoof,
        t.llr
    )];
    if !e.competence.competent {
        lines.push(
            "No threshold is recommended: the detector is not shown to be competent on this material.".to_owned(),
        );
        return lines;
    }
    let right = t.right_alarms.map_or_else(
        || "There, nothing is called synthetic.".to_owned(),
        |right| {
            format!(
                "Of 1000 calls at that prior {:.1} are called synthetic, and {:.0} % of these alarms are right.",
                t.alarms_in_1000,
                100.0 * right
            )
        },
    );
    lines.push(format!(
        "At it {:.2} % of the people are called synthetic and {:.2} % of the machines pass. {right}",
        100.0 * t.false_alarm,
        100.0 * t.miss
    ));
    if !e.are_llrs {
        lines.push(
            "The file does not say that its scores are likelihood ratios. If they are not, the threshold, actDCF and Cllr mean \
             nothing; the other figures do."
                .to_owned(),
        );
    }
    lines
}
