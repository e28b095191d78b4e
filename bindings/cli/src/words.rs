//! Colours and times, as people read them.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use veravox::Decision;

pub const RED: Style = AnsiColor::Red.on_default().bold();
pub const GREEN: Style = AnsiColor::Green.on_default();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const DIM: Style = Style::new().dimmed();
pub const BOLD: Style = Style::new().bold();

pub fn style_of(decision: Decision) -> Style {
    match decision {
        Decision::Synthetic => RED,
        Decision::Bonafide => GREEN,
        Decision::Inconclusive => YELLOW,
    }
}

/// `1:02:03.4`, `2:03.4`.
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (hours, minutes, seconds, tenth) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60, tenths % 10);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}.{tenth}")
    } else {
        format!("{minutes}:{seconds:02}.{tenth}")
    }
}

/// The name of a file, for the screen: what would steer a terminal, or turn the direction of the text, stands as an escape.
pub fn shown(name: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !name.contains(steers) {
        return Cow::Borrowed(name);
    }
    let escaped = name.chars().map(|c| if steers(c) { c.escape_default().to_string() } else { c.to_string() });
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use super::{clock, shown};

    #[test]
    fn names_do_not_steer_the_terminal() {
        assert_eq!(shown("call 1.wav"), "call 1.wav");
        assert_eq!(shown("Müller.wav"), "Müller.wav");
        assert_eq!(shown("a\u{1b}[31m\n\u{202e}vaw"), "a\\u{1b}[31m\\n\\u{202e}vaw");
    }

    #[test]
    fn times_read_like_a_clock() {
        assert_eq!(clock(0.04), "0:00.0");
        assert_eq!(clock(59.96), "1:00.0");
        assert_eq!(clock(3_723.4), "1:02:03.4");
    }
}
