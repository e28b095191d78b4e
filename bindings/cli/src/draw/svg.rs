//! Pictures as SVG.

use std::fmt::Write as _;

use super::colours::{INK, SPOOF, WHITE};
use super::drawing::{Anchor, Drawing, Fill, GAP, HEAD, Mark, Place};
use super::page::escape;
use super::png::data_uri;

/// One picture.
pub fn svg(drawing: &Drawing) -> String {
    let Drawing { title, description, width, height, around, inside, over, .. } = drawing;
    let ((left, top), (right, floor)) = drawing.plot;
    // Pictures of one page share its names.
    let plot = format!("plot-{width:.0}-{height:.0}");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{}\" font-family=\"system-ui, sans-serif\" font-size=\"11\">\n<title>{}</title>\n<desc>{}</desc>\n<defs><pattern \
         id=\"hatch\" width=\"5\" height=\"5\" patternTransform=\"rotate(45)\" patternUnits=\"userSpaceOnUse\"><line x1=\"0\" y1=\"0\" \
         x2=\"0\" y2=\"5\" stroke=\"{SPOOF}\" stroke-width=\"3\"/></pattern><clipPath id=\"{plot}\"><rect x=\"{left}\" y=\"{top}\" \
         width=\"{}\" height=\"{}\"/></clipPath></defs>\n<rect width=\"{width}\" height=\"{height}\" fill=\"{WHITE}\"/>\n{}<g \
         clip-path=\"url(#{plot})\">\n{}</g>\n{}</svg>",
        escape(&format!("{title}. {description}")),
        escape(title),
        escape(description),
        right - left,
        floor - top,
        written(around),
        written(inside),
        written(over),
    )
}

/// Pictures of one width, one below the other, under a title.
pub fn stacked(title: &str, drawings: &[Drawing]) -> String {
    let width = drawings.iter().map(|drawing| drawing.width).fold(0.0, f64::max);
    let height = drawings.iter().map(|drawing| drawing.height + GAP).sum::<f64>() + HEAD;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\"><rect width=\"{width}\" height=\"{height}\" fill=\"{WHITE}\"/><text x=\"12\" y=\"20\" \
         font-size=\"15\" fill=\"{INK}\">{}</text>",
        escape(title)
    );
    let mut y = HEAD;
    for drawing in drawings {
        // Writing to a String cannot fail.
        let _ = write!(text, "<g transform=\"translate(0 {y:.0})\">{}</g>", svg(drawing));
        y += drawing.height + GAP;
    }
    text + "</svg>\n"
}

fn written(marks: &[Mark]) -> String {
    let mut text = String::new();
    for mark in marks {
        // Writing to a String cannot fail.
        let _ = write(&mut text, mark);
    }
    text
}

fn path(points: &[Place]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

fn write(text: &mut String, mark: &Mark) -> std::fmt::Result {
    match mark {
        Mark::Line { points, colour, width, dashes } => {
            let dashes = dashes.map_or_else(String::new, |[on, off]| format!(" stroke-dasharray=\"{on} {off}\""));
            let points = path(points);
            writeln!(
                text,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>"
            )
        }
        Mark::Box { from: (left, top), to: (right, floor), colour, fill } => {
            let edge = format!("stroke=\"{colour}\" stroke-width=\"0.8\"");
            let fill = match fill {
                Fill::Even(opacity) => format!("fill=\"{colour}\" fill-opacity=\"{opacity}\""),
                Fill::Edged => format!("fill=\"{colour}\" fill-opacity=\"0.45\" {edge}"),
                Fill::Hatched => format!("fill=\"url(#hatch)\" fill-opacity=\"0.75\" {edge}"),
                Fill::Hollow => format!("fill=\"none\" {edge}"),
            };
            writeln!(
                text,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" {fill}/>",
                right - left,
                floor - top
            )
        }
        Mark::Shape { points, colour } => writeln!(text, "<polygon points=\"{}\" fill=\"{colour}\"/>", path(points)),
        Mark::Dot { at: (x, y), radius, colour, words } => writeln!(
            text,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{colour}\"><title>{}</title></circle>",
            escape(words)
        ),
        Mark::Words { at: (x, y), words, anchor, upright, colour } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let at = if *upright {
                format!("transform=\"translate({x:.1} {y:.1}) rotate(-90)\"")
            } else {
                format!("x=\"{x:.1}\" y=\"{y:.1}\"")
            };
            writeln!(text, "<text {at} text-anchor=\"{anchor}\" fill=\"{colour}\">{}</text>", escape(words))
        }
        Mark::Image { from: (left, top), to: (right, floor), pixels } => {
            let Ok(uri) = data_uri(pixels) else { return Ok(()) };
            writeln!(
                text,
                "<image x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" preserveAspectRatio=\"none\" href=\"{uri}\"/>",
                right - left,
                floor - top
            )
        }
    }
}
