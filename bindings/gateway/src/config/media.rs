//! What concerns audio that comes in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use veravox::decide::DecisionCosts;
use veravox::engine::EngineOptions;
use veravox::stream::StreamOptions;
use veravox::{CalibrationSource, DetectorOptions, ThresholdChanges};

use super::checks::ensure;

/// Model, calibration, thresholds, threads. What is left out is the library's own choice, as for the command.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scoring {
    /// Folder of a model, or the name of one that comes with the library; those that fit the sample rate without it.
    pub model: Option<PathBuf>,
    /// A site's calibration, as `veravox calibrate` writes it.
    pub calibration: Option<PathBuf>,
    /// Prior probability of a synthetic voice.
    pub prior: Option<f64>,
    /// A leg at or above this llr is synthetic.
    pub synthetic_llr: Option<f64>,
    /// A leg at or below this llr is bona fide.
    pub bonafide_llr: Option<f64>,
    /// Call at most this share of the site's people synthetic; needs a calibration.
    pub target_false_alarm: Option<f64>,
    /// Costs that thresholds follow from, together with the prior.
    pub costs: Option<Costs>,
    /// Threads that score.
    pub workers: Option<usize>,
    /// Legs at once; the next has the status ERROR, overloaded.
    pub max_legs: Option<usize>,
    /// Seconds of speech between two scores.
    pub update_seconds: Option<f64>,
}

/// Costs of decisions, in any one unit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Of calling a person synthetic.
    pub false_alarm: f64,
    /// Of calling a machine bona fide.
    pub miss: f64,
    /// Of no verdict.
    pub undecided: f64,
}

impl Scoring {
    pub(super) fn check(&self) -> Result<(), String> {
        ensure(
            self.target_false_alarm.is_none() || (self.calibration.is_some() && self.synthetic_llr.is_none()),
            "scoring.target_false_alarm goes with scoring.calibration, and not with scoring.synthetic_llr",
        )
    }

    /// The detector as the administrator wants it.
    #[must_use]
    pub fn detector_options(&self) -> DetectorOptions {
        let costs = self.costs.map(|Costs { false_alarm, miss, undecided }| DecisionCosts {
            false_synthetic: false_alarm,
            false_bonafide: miss,
            inconclusive: undecided,
        });
        let Self { prior, synthetic_llr, bonafide_llr, .. } = *self;
        DetectorOptions {
            model: self.model.clone(),
            calibration: self.calibration.clone().map(CalibrationSource::File),
            target_false_alarm: self.target_false_alarm,
            thresholds: ThresholdChanges { prior, costs, synthetic_llr, bonafide_llr },
        }
    }

    /// The engine's options; the library's own where nothing is said.
    #[must_use]
    pub fn engine_options(&self) -> EngineOptions {
        let defaults = EngineOptions::default();
        EngineOptions {
            workers: self.workers.unwrap_or(defaults.workers),
            max_legs: self.max_legs.unwrap_or(defaults.max_legs),
            stream: StreamOptions {
                update_seconds: self.update_seconds.or(defaults.stream.update_seconds),
                ..defaults.stream
            },
            ..defaults
        }
    }
}

/// How much of everything is let in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once, of all listeners together.
    pub connections: usize,
    /// Seconds in which a connection must have said what it is: TLS, HTTP head, the call's first message.
    pub handshake_seconds: f64,
    /// Seconds without a byte after which a call is given up.
    pub idle_seconds: f64,
    /// Seconds that a call is watched at most.
    pub call_seconds: f64,
    /// Bytes of one message: an `AudioSocket` frame, a WebSocket message.
    pub message_bytes: usize,
    /// Seconds that calls have to end after SIGTERM.
    pub drain_seconds: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            handshake_seconds: 10.0,
            idle_seconds: 60.0,
            call_seconds: 14_400.0,
            message_bytes: 65_536,
            drain_seconds: 30.0,
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), String> {
        let day = |seconds: f64| (0.1..=86_400.0).contains(&seconds);
        ensure((1..=1_000_000).contains(&self.connections), "limits.connections: expected 1 to 1000000")?;
        ensure(day(self.handshake_seconds), "limits.handshake_seconds: expected 0.1 to 86400")?;
        ensure(day(self.idle_seconds), "limits.idle_seconds: expected 0.1 to 86400")?;
        ensure(day(self.call_seconds), "limits.call_seconds: expected 0.1 to 86400")?;
        ensure((4_096..=16_777_216).contains(&self.message_bytes), "limits.message_bytes: expected 4096 to 16777216")?;
        ensure((0.0..=86_400.0).contains(&self.drain_seconds), "limits.drain_seconds: expected 0 to 86400")
    }

    /// [`handshake_seconds`](Self::handshake_seconds).
    #[must_use]
    pub fn handshake(&self) -> Duration {
        Duration::from_secs_f64(self.handshake_seconds)
    }

    /// [`idle_seconds`](Self::idle_seconds).
    #[must_use]
    pub fn idle(&self) -> Duration {
        Duration::from_secs_f64(self.idle_seconds)
    }

    /// [`call_seconds`](Self::call_seconds).
    #[must_use]
    pub fn call(&self) -> Duration {
        Duration::from_secs_f64(self.call_seconds)
    }

    /// [`drain_seconds`](Self::drain_seconds).
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_secs_f64(self.drain_seconds)
    }
}

/// When the gateway itself ends a call's connection, which gives the call back to the dialplan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    /// The phone system ends it.
    #[default]
    Never,
    /// As soon as the verdict is firm.
    Firm,
}

/// The listener for `AudioSocket`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioSocket {
    /// Address; none is no listener.
    #[serde(deserialize_with = "super::outlets::address_or_none")]
    pub listen: Option<SocketAddr>,
    /// When the call is given back.
    pub release: Release,
    /// Seconds after which the call is given back, firm or not; 0 is never.
    pub release_after_seconds: f64,
    /// Milliseconds between frames of silence that are sent back; 0 is none.
    pub silence_every_ms: u32,
}

impl Default for AudioSocket {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9_092)),
            release: Release::Never,
            release_after_seconds: 0.0,
            silence_every_ms: 500,
        }
    }
}

/// Ports for plain RTP, opened one by one by HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rtp {
    /// Address that ports are opened on.
    pub address: IpAddr,
    /// The first and the last port; even ones are given out.
    pub ports: (u16, u16),
}

impl Default for Rtp {
    fn default() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::LOCALHOST), ports: (40_000, 44_998) }
    }
}

impl Rtp {
    pub(super) fn check(&self) -> Result<(), String> {
        let (first, last) = self.ports;
        ensure(
            first >= 1_024 && first <= last,
            "rtp.ports: expected two ports from 1024 on, the first not above the last",
        )
    }
}

/// Twilio Media Streams.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Twilio {
    /// File with the account's auth token, with which `X-Twilio-Signature` is checked instead of the gateway's token.
    pub auth_token_file: Option<PathBuf>,
    /// The address that Twilio was told, as `wss://example.org/v1/media/twilio`: what it signs.
    pub url: Option<String>,
}

/// Genesys `AudioHook`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioHook {
    /// File with the API key that Genesys sends as `X-API-KEY`, instead of the gateway's token.
    pub api_key_file: Option<PathBuf>,
    /// File with the client secret, in base64, with which Genesys signs its request; signatures are not asked for without it.
    pub client_secret_file: Option<PathBuf>,
}
