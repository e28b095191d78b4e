//! The report on a call as a page.

use veravox::Decision;
use veravox::explain::{Explanation, LegExplanation};

use super::words::{meaning, standing, strongest, title, verdict};
use super::{panels, sound};
use crate::draw::{Page, escape, svg};
use crate::words::clock;

pub fn html(name: &str, explained: &Explanation, with_audio: bool) -> String {
    let mut page = Page::new(&format!("Why this verdict: {name}"));
    let (audio, head) = (&explained.audio, &explained.head);
    page.push(&format!(
        "<p class=\"soft\">{}, {} leg{}, {} kHz {}. Model {} {} ({}…), {}.{}</p>",
        clock(audio.duration_seconds),
        audio.channels,
        if audio.channels == 1 { "" } else { "s" },
        f64::from(audio.sample_rate_hz) / 1_000.0,
        escape(&audio.codec),
        escape(&head.model.name),
        escape(&head.model.version),
        escape(head.model.sha256.get(..12).unwrap_or_default()),
        escape(&head.runtime),
        head.calibration.as_ref().map_or_else(String::new, |c| format!(" Calibrated for {}.", escape(&c.name)))
    ));
    page.list(explained.warnings.iter().cloned());
    for leg in &explained.legs {
        of_leg(&mut page, leg, explained, with_audio);
    }
    page.heading("How to read this");
    page.list([
        "llr is a natural-log likelihood ratio: positive speaks for a synthetic voice, 0 for neither; each step of 0.7 doubles the odds.".to_owned(),
        "Evidence is what the llr of a window loses when a stretch is taken out of it, or when a band or a kind of evidence is set to the mean person's. Parts need not sum up: the model weighs them together.".to_owned(),
        "It shows what the model listened to. It does not show how the audio was made, and it is no proof of anything.".to_owned(),
        explained.reference.map_or_else(
            || "There is no reference for this model: no bands, no kinds of evidence and no ranges are given.".to_owned(),
            |(people, machines)| format!("Ranges hold the middle nine tenths of {people} clips of people and {machines} of machines of the training corpus, over the line that the model is made for; the dot is the median. Orange, dashed: machines; blue, plain: people."),
        ),
    ]);
    page.html("en")
}

fn of_leg(page: &mut Page, leg: &LegExplanation, explained: &Explanation, with_audio: bool) {
    let v = &leg.verdict;
    let class = v.decision.as_str();
    let head = match v.decision {
        Decision::Synthetic => "Sounds synthetic",
        Decision::Bonafide => "Sounds like a person",
        Decision::Inconclusive => "No verdict",
    };
    page.heading(&format!("Leg {}", v.leg));
    let stage = if v.firm_at_seconds.is_some() { "firm" } else { v.stage.as_str() };
    let people = v.people_above.map_or_else(String::new, |share| {
        format!("<p>{:.1} % of this site's people score as high.</p>", 100.0 * share)
    });
    page.push(&format!(
        "<div class=\"verdict {class}\"><p><strong>{head}</strong> <span class=\"soft\">({stage})</span></p><p>{}</p>{people}</div>",
        escape(&verdict(leg, explained))
    ));
    for change in &v.changes {
        page.paragraph(&format!("From {} on another voice: {}.", clock(change.at_seconds), change.decision));
    }
    if leg.picture.samples.is_empty() {
        page.paragraph("The leg holds no audio.");
        return;
    }
    if with_audio {
        page.audio(&format!("Leg {}", v.leg), &sound::audio(&leg.picture));
    } else {
        page.push("<p class=\"soft small\">The audio is not in this page.</p>");
    }
    if let Some(model) = &leg.explained_by {
        page.paragraph(&format!(
            "Two models in a row gave the verdict. Of its evidence more is by {model}; what follows is how {model} alone hears the leg."
        ));
    }
    let top = strongest(leg);
    page.figure(&svg(&panels::waveform(leg, &top)), "Waveform. Shaded: the stretches that speak most for a machine.");
    page.figure(&svg(&panels::spectrum(leg)), "Spectrogram. Dark is loud.");
    if leg.path.is_empty() {
        page.paragraph("No window of this leg counts, so there is no evidence to show.");
    } else {
        page.figure(
            &svg(&panels::path(leg, &explained.head.thresholds)),
            "How the decision came about: dots are windows, the line is the leg. In the shaded parts there is an answer.",
        );
        page.figure(
            &svg(&panels::time(leg)),
            "Evidence of each half second: up speaks for a machine, down for a person.",
        );
        page.push("<h3>Where to listen</h3>");
        if top.is_empty() {
            page.paragraph("No stretch speaks for a machine.");
        }
        page.list(top.iter().map(|s| format!("{} to {}: {:+.2}", clock(s.from), clock(s.to), s.llr)));
        let (asked, counted) = leg.n_windows;
        if asked < counted {
            page.paragraph(&format!("Of {counted} windows {asked}, evenly spread, were asked for evidence."));
        }
    }
    if !leg.families.is_empty() && !leg.path.is_empty() {
        page.push("<h3>Which kinds of evidence</h3>");
        page.figure(&panels::parts("Kinds of evidence", &leg.families), "Bars: this leg. Lines below: the middle nine tenths of people (blue, plain) and machines (orange, dashed).");
        table_of_parts(page, "Kinds of evidence", &leg.families);
        page.push("<h3>Which bands</h3>");
        page.figure(&panels::parts("Bands", &leg.bands), "The same by frequency.");
        table_of_parts(page, "Bands", &leg.bands);
    }
    if let Some(f) = leg.faithfulness {
        page.push("<h3>How far this can be believed</h3>");
        page.paragraph(&format!(
            "Without the three strongest stretches the llr of a window falls by {:.2} on average, without three at random by {:.2}. \
             Without the two strongest bands it falls by {:.2}, without two others by {:.2}.",
            f.without_top[0], f.without_random[0], f.without_top[1], f.without_random[1]
        ));
    }
    if leg.verdict.llr.is_none() {
        // Of a leg without speech there is nothing to compare.
        return;
    }
    of_signal(page, leg);
    of_card(page, leg);
}

/// What is measurable without the model.
fn of_signal(page: &mut Page, leg: &LegExplanation) {
    page.push("<h3>What can be measured of the signal</h3>");
    let mut rows = Vec::new();
    for m in &leg.signal.measures {
        let value = m.value.map_or_else(|| "too little to measure".to_owned(), |v| format!("{} {}", digits(v), m.unit));
        let (strip, words) = match m.value.zip(m.range.as_ref()) {
            Some((value, range)) => (panels::strip(value, range), standing(value, range)),
            None => (String::new(), ""),
        };
        let range = m.range.map_or_else(String::new, |r| {
            format!(
                "people {} to {}, machines {} to {}",
                digits(r.people[0]),
                digits(r.people[4]),
                digits(r.machines[0]),
                digits(r.machines[4])
            )
        });
        rows.push(format!(
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{strip}<br><span class=\"soft small\">{}</span></td><td>{}{}<br><span \
             class=\"soft small\">{}</span></td></tr>",
            escape(m.title),
            escape(&value),
            escape(&range),
            escape(words),
            if words.is_empty() { "" } else { ". " },
            escape(&format!("{} {}.", m.words, m.source)),
        ));
    }
    page.push(&format!(
        "<div class=\"wide\" tabindex=\"0\"><table><caption>None of these decides anything by itself, and the model does not use them \
         in this form. The diamond is this leg.</caption><thead><tr><th scope=\"col\">measure</th><th scope=\"col\" \
         class=\"n\">here</th><th scope=\"col\">reference</th><th scope=\"col\">what it says</th></tr></thead><tbody>{}</tbody></table></div>",
        rows.concat()
    ));
}

/// What the model's card says of such audio.
fn of_card(page: &mut Page, leg: &LegExplanation) {
    if !leg.card.is_empty() {
        page.push("<h3>How good the model is at such audio</h3>");
        let rows = leg.card.iter().map(|f| {
            let metric = match f.metric.as_str() {
                "eer_percent" => "equal error rate, %",
                "false_synthetic_percent" => "people called synthetic, %",
                "true_synthetic_percent" => "machines called synthetic, %",
                "false_bonafide_percent" => "machines called bona fide, %",
                other => other,
            };
            vec![
                f.condition.clone(),
                metric.to_owned(),
                format!("{:.1} ({:.1} to {:.1})", f.value, f.low, f.high),
                format!("{} / {}", f.n.0, f.n.1),
            ]
        });
        page.table(
            "From the model's card, measured on voices and mostly on machines that it never heard; in brackets 95 % intervals.",
            &["clips", "figure", "#value", "#human / synthetic trials"],
            rows,
        );
    }
}

fn table_of_parts(page: &mut Page, caption: &str, parts: &[veravox::explain::Evidence]) {
    let rows = parts.iter().map(|part| {
        let standing = part.range.map_or_else(String::new, |range| standing(part.llr, &range).to_owned());
        vec![title(&part.part), format!("{:+.2}", part.llr), standing, meaning(&part.part).to_owned()]
    });
    page.table(caption, &["", "#llr", "among the reference", "what it is"], rows);
}

/// Three digits that mean something.
fn digits(value: f64) -> String {
    let decimals = if value == 0.0 { 0 } else { (2 - value.abs().log10().floor() as i32).clamp(0, 3) as usize };
    format!("{value:.decimals$}")
}
