//! What concerns what goes out: HTTP, webhook, AMI, logs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::checks::ensure;
use super::origin::Origin;

/// The listener for WebSockets and HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address; none is no listener.
    #[serde(deserialize_with = "address_or_none")]
    pub listen: Option<SocketAddr>,
    /// File with the token that every request must bring; needed where others than this machine can reach the listener.
    pub token_file: Option<PathBuf>,
    /// Sites whose pages may ask too, as browsers name them: `https://phone.example`, with a port where it is not the usual one.
    pub allowed_origins: Vec<Origin>,
    /// Certificate chain in PEM; with it the listener speaks TLS.
    pub tls_certificate: Option<PathBuf>,
    /// Private key in PEM.
    pub tls_key: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8_088)),
            token_file: None,
            allowed_origins: Vec::new(),
            tls_certificate: None,
            tls_key: None,
        }
    }
}

impl Http {
    pub(super) fn check(&self) -> Result<(), String> {
        ensure(
            self.tls_certificate.is_some() == self.tls_key.is_some(),
            "http.tls_certificate and http.tls_key go only together",
        )?;
        ensure(
            self.token_file.is_some() || self.listen.is_none_or(|address| address.ip().is_loopback()),
            "http.listen can be reached by other machines: set http.token_file",
        )
    }
}

/// Recordings by `POST /v1/scan`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scan {
    /// Largest recording. It is held in memory, and never on disk.
    pub max_mb: usize,
    /// Longest recording.
    pub max_duration_seconds: f64,
    /// Recordings scanned at once; each takes a core, which calls then lack.
    pub at_once: usize,
    /// Recordings that may wait; the next is told to come again.
    pub waiting: usize,
    /// How long an upload may take.
    pub upload_seconds: f64,
}

impl Default for Scan {
    fn default() -> Self {
        Self { max_mb: 32, max_duration_seconds: 14_400.0, at_once: 1, waiting: 4, upload_seconds: 60.0 }
    }
}

impl Scan {
    pub(super) fn check(&self) -> Result<(), String> {
        let day = |seconds: f64| (0.1..=86_400.0).contains(&seconds);
        ensure((1..=4_096).contains(&self.max_mb), "scan.max_mb: expected 1 to 4096")?;
        ensure(day(self.max_duration_seconds), "scan.max_duration_seconds: expected 0.1 to 86400")?;
        ensure((1..=1_024).contains(&self.at_once), "scan.at_once: expected 1 to 1024")?;
        ensure(self.waiting <= 1_024, "scan.waiting: expected 0 to 1024")?;
        ensure(day(self.upload_seconds), "scan.upload_seconds: expected 0.1 to 86400")
    }
}

/// Verdicts by HTTP, signed as Standard Webhooks has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// `https://` or `http://`; nothing is sent without it.
    pub url: Option<String>,
    /// File with the secret, `whsec_` and base64; messages are not signed without it.
    pub secret_file: Option<PathBuf>,
    /// Folder that keeps messages until they are delivered; without it a restart loses those that wait.
    pub spool: Option<PathBuf>,
    /// Largest size of the spool.
    pub spool_max_mb: usize,
    /// Most messages that wait.
    pub queue: usize,
    /// Most memory of messages that wait.
    pub queue_mb: usize,
    /// How long an attempt may take.
    pub timeout_seconds: f64,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: None,
            secret_file: None,
            spool: None,
            spool_max_mb: 1_024,
            queue: 100_000,
            queue_mb: 64,
            timeout_seconds: 10.0,
        }
    }
}

impl Webhook {
    pub(super) fn check(&self) -> Result<(), String> {
        ensure(self.url.is_some() || self.spool.is_none(), "webhook.spool goes with webhook.url")?;
        ensure((1..=1_048_576).contains(&self.spool_max_mb), "webhook.spool_max_mb: expected 1 to 1048576")?;
        ensure((1..=10_000_000).contains(&self.queue), "webhook.queue: expected 1 to 10000000")?;
        ensure((1..=65_536).contains(&self.queue_mb), "webhook.queue_mb: expected 1 to 65536")?;
        ensure((0.1..=600.0).contains(&self.timeout_seconds), "webhook.timeout_seconds: expected 0.1 to 600")
    }

    /// [`timeout_seconds`](Self::timeout_seconds).
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout_seconds)
    }
}

/// Verdicts into Asterisk's dialplan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ami {
    /// Host and port of the manager interface; nothing is told without it.
    pub address: Option<String>,
    /// A user of `manager.conf` with `write = call`.
    pub username: Option<String>,
    /// File with the user's secret.
    pub secret_file: Option<PathBuf>,
}

impl Ami {
    pub(super) fn check(&self) -> Result<(), String> {
        let is_whole = self.username.is_some() && self.secret_file.is_some();
        ensure(self.address.is_none() || is_whole, "ami.address goes with ami.username and ami.secret_file")?;
        let one_line = |name: &String| !name.contains(char::is_control);
        ensure(self.username.as_ref().is_none_or(one_line), "ami.username: expected one line")
    }
}

/// What is logged to standard error, and how. Nothing of a call but the random ids of its legs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// What is left out.
    pub level: LogLevel,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object.
    Json,
}

/// The least that is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What needs somebody.
    Error,
    /// What may need somebody.
    Warn,
    /// Beginning and end, and each leg that ended.
    #[default]
    Info,
}

/// An address, or the empty string for none.
pub(super) fn address_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    let expected =
        |_| serde::de::Error::custom("expected an address with a port, as 127.0.0.1:9092, or nothing for no listener");
    text.parse().map(Some).map_err(expected)
}
