//! The configuration: one TOML file, every key of which has a default or may be left out.
//!
//! `gateway.toml` beside this file holds all keys with their defaults; a test holds the two together. A key that is not known
//! is an error, with its line.

mod checks;
mod media;
mod origin;
mod outlets;

use std::path::PathBuf;

use serde::Deserialize;

pub use media::{AudioHook, AudioSocket, Costs, Limits, Release, Rtp, Scoring, Twilio};
pub use origin::Origin;
pub use outlets::{Ami, Http, Log, LogFormat, LogLevel, Scan, Webhook};

/// The file with every key, as `veravox-gateway --print-config` prints it.
pub const DEFAULTS: &str = include_str!("gateway.toml");

/// All that an administrator can set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Model, calibration, thresholds, threads.
    pub scoring: Scoring,
    /// How much of everything is let in.
    pub limits: Limits,
    /// The listener for AudioSocket.
    pub audiosocket: AudioSocket,
    /// The listener for WebSockets and HTTP.
    pub http: Http,
    /// Ports for plain RTP.
    pub rtp: Rtp,
    /// What Twilio signs with.
    pub twilio: Twilio,
    /// What Genesys knocks with.
    pub audiohook: AudioHook,
    /// Recordings by HTTP.
    pub scan: Scan,
    /// Verdicts by HTTP.
    pub webhook: Webhook,
    /// Verdicts into Asterisk's dialplan.
    pub ami: Ami,
    /// What is logged, and how.
    pub log: Log,
}

/// Where the configuration comes from, the first time and after that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The file; the defaults without one.
    pub path: Option<PathBuf>,
    /// Instead of [`Scoring::model`].
    pub model: Option<PathBuf>,
    /// Instead of [`Scoring::calibration`].
    pub calibration: Option<PathBuf>,
}

impl Source {
    /// Reads it.
    ///
    /// # Errors
    /// Words for people: which file, which line, what was expected.
    pub fn read(&self) -> Result<Config, String> {
        let text = match &self.path {
            Some(path) => std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?,
            None => String::new(),
        };
        let of = |words: String| match &self.path {
            Some(path) => format!("{}: {words}", path.display()),
            None => words,
        };
        let mut config = Config::parse_unchecked(&text).map_err(of)?;
        let scoring = &mut config.scoring;
        scoring.model = self.model.clone().or(scoring.model.take());
        scoring.calibration = self.calibration.clone().or(scoring.calibration.take());
        config.check().map_err(of)?;
        Ok(config)
    }
}

impl Config {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Words for people: which line, what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config = Self::parse_unchecked(text)?;
        config.check()?;
        Ok(config)
    }

    fn parse_unchecked(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())
    }

    /// What no type says: ranges, and what goes only together.
    fn check(&self) -> Result<(), String> {
        self.scoring.check()?;
        self.limits.check()?;
        self.rtp.check()?;
        self.http.check()?;
        self.scan.check()?;
        self.webhook.check()?;
        self.ami.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_printed_holds_the_defaults_and_every_key() {
        assert_eq!(Config::parse(DEFAULTS), Ok(Config::default()));
        // Keys without a default stand there as comments; with their examples in place every key is read.
        let all: String = DEFAULTS
            .lines()
            .map(|line| line.strip_prefix('#').unwrap_or(line))
            .map(|line| if line.starts_with(' ') { "\n".to_owned() } else { format!("{line}\n") })
            .collect();
        let all = Config::parse(&all).unwrap();
        assert!(all.scoring.model.is_some() && all.scoring.costs.is_some() && all.http.token_file.is_some());
    }

    #[test]
    fn what_is_not_known_is_named_with_its_line() {
        let words = Config::parse("[limits]\nconections = 3\n").unwrap_err();
        assert!(words.contains("line 2") && words.contains("conections"), "{words}");
        let words = Config::parse("[limits]\nconnections = 0\n").unwrap_err();
        assert!(words.contains("limits.connections"), "{words}");
        let words = Config::parse("[http]\nallowed_origins = [\"phone.example\"]\n").unwrap_err();
        assert!(words.contains("line 2") && words.contains("https://phone.example"), "{words}");
    }

    #[test]
    fn nobody_listens_on_the_network_without_a_token() {
        let words = Config::parse("[http]\nlisten = \"0.0.0.0:8088\"\n").unwrap_err();
        assert!(words.contains("http.token_file"), "{words}");
        assert!(Config::parse("[http]\nlisten = \"0.0.0.0:8088\"\ntoken_file = \"token\"\n").is_ok());
    }
}
