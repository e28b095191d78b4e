//! What concerns what goes out: HTTP, webhook, AMI, logs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use super::ensure;

/// The listener for WebSockets and HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address; none is no listener.
    #[serde(deserialize_with = "address_or_none")]
    pub listen: Option<SocketAddr>,
    /// File with the token that every request must bring; needed where others than this machine can reach the listener.
    pub token_file: Option<PathBuf>,
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
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scan {}

/// Verdicts by HTTP.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {}

/// Verdicts into Asterisk's dialplan.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ami {}

/// What is logged, and how.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {}

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
