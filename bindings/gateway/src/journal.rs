//! The log: lines to standard error, as text or JSON, with nothing of a call but the random ids of its legs.

use std::io::stderr;
use std::sync::Arc;

use tracing::Level;

use crate::config::{Log, LogFormat, LogLevel};
use crate::hub::{LegNews, Outlet, What};

/// Lines go to standard error from here on.
pub fn start(config: Log) {
    let level = match config.level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
    };
    let lines = tracing_subscriber::fmt().with_writer(stderr).with_max_level(level);
    // Whoever runs the gateway inside of a program of his own may have a log already.
    let _ = match config.format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_target(false).try_init(),
    };
}

/// A line for each leg that ended.
pub struct Journal;

impl Outlet for Journal {
    fn tell(&self, news: &Arc<LegNews>) {
        let What::Ended { words, .. } = &news.what else { return };
        tracing::info!(
            leg = %news.info.leg,
            protocol = news.info.protocol.as_str(),
            status = words.status.as_str(),
            stage = words.stage.as_str(),
            cause = words.cause,
            score = words.score,
            speech_ms = words.speech_ms,
            heard_ms = news.heard_ms,
            "a leg ended"
        );
    }
}
