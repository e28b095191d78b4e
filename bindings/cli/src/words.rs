//! Colours and times, as people read them.

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

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn times_read_like_a_clock() {
        assert_eq!(clock(0.04), "0:00.0");
        assert_eq!(clock(59.96), "1:00.0");
        assert_eq!(clock(3_723.4), "1:02:03.4");
    }
}
