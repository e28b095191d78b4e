//! An evaluation as a page.

use veravox::evaluate::Evaluation;

use super::plots;
use super::words::{few_in, figure_rows, group_counts, intervals, percent, polarity, problem_lines, threshold_lines};
use crate::draw::{Page, escape, svg};

/// The report in one HTML file.
#[must_use]
pub fn html(e: &Evaluation) -> String {
    let mut page = Page::new(&format!("Evaluation of {}", e.scores));
    let keys: Vec<&str> = e.keys.iter().map(|(name, _)| name.as_str()).collect();
    page.push(&format!("<p class=\"soft\">Key: {}</p>", escape(&keys.join(", "))));
    let class = if e.competence.competent { "bonafide" } else { "inconclusive" };
    let head = if e.competence.reversed {
        "The scores look reversed"
    } else if e.competence.competent {
        "Competent on this material"
    } else {
        "Not shown to be competent on this material"
    };
    page.push(&format!(
        "<div class=\"verdict {class}\"><p><strong>{head}</strong></p><p>{}</p></div>",
        escape(&e.competence.verdict)
    ));
    page.list(e.competence.cautions.iter().cloned());
    page.paragraph(&format!("{} bona fide and {} synthetic trials; {}.", e.n_bonafide, e.n_spoof, polarity(e)));
    page.heading("Figures");
    page.table(&intervals(e), &["", "#value"], figure_rows(e).into_iter().map(|(name, value)| vec![name, value]));
    page.heading("Threshold");
    for line in threshold_lines(e) {
        page.paragraph(&line);
    }
    page.heading("Plots");
    page.push("<div class=\"pictures\">");
    page.figure(&svg(&plots::histogram(e)), "Scores. Where the two lie over each other no threshold parts them.");
    page.figure(
        &svg(&plots::det(e)),
        "DET curve: both error rates over all thresholds. Nearer to the lower left is better.",
    );
    page.figure(&svg(&plots::roc(e)), "ROC curve: machines found against people called synthetic.");
    page.figure(
        &svg(&plots::reliability(e)),
        "Reliability: on the diagonal probabilities can be believed. Above it machines were more frequent than stated.",
    );
    page.push("</div>");
    for table in &e.groups {
        page.heading(&format!("By {}", table.by));
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
        let share = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{:.1}", 100.0 * v));
        let rows = table.rows.iter().map(|row| {
            let [bonafide, spoof] = group_counts(row);
            let eer = row.eer.map_or_else(|| "–".to_owned(), |eer| percent(&eer));
            vec![
                row.value.clone(),
                bonafide,
                spoof,
                eer,
                number(row.auc),
                number(row.min_dcf),
                number(row.act_dcf),
                number(row.cllr),
                share(row.false_alarm),
                share(row.miss),
            ]
        });
        let note = few_in(table).map_or_else(String::new, |note| format!(" {note}"));
        let caption = format!(
            "A group of one class stands against all trials of the other. The last two columns are at the threshold of the costs.{note}"
        );
        page.table(
            &caption,
            &[
                "",
                "#bona fide",
                "#synthetic",
                "#EER, %",
                "#AUC",
                "#minDCF",
                "#actDCF",
                "#Cllr",
                "#false alarms, %",
                "#missed, %",
            ],
            rows,
        );
    }
    let problems = problem_lines(e);
    if !problems.is_empty() {
        page.heading("What did not fit");
        page.list(problems);
    }
    page.html("en")
}
