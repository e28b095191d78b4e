//! A site, as browsers name it.

use std::str::FromStr as _;

use axum::http::Uri;
use axum::http::uri::Authority;
use serde::Deserialize;

/// A site whose pages ask: scheme, host and port, as browsers have them in `Origin` (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin {
    scheme: String,
    host: String,
    /// None where the scheme has no usual one, and none is said.
    port: Option<u16>,
}

impl Origin {
    /// By its text: `https://phone.example`, `http://localhost:3000`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uri = Uri::from_str(text).ok()?;
        let (scheme, host) = (uri.scheme_str()?, uri.authority()?);
        let is_whole = text.len() == scheme.len() + "://".len() + host.as_str().len();
        let is_bare = is_whole && !host.as_str().contains('@');
        is_bare.then(|| Self {
            scheme: scheme.to_owned(),
            host: host.host().to_ascii_lowercase(),
            port: port(scheme, host),
        })
    }

    /// Whether its pages are of this host. Where a proxy speaks TLS in front of us, it is the page's scheme that tells the port that
    /// is left out.
    #[must_use]
    pub fn is_of(&self, host: &Authority) -> bool {
        self.host.eq_ignore_ascii_case(host.host()) && self.port == port(&self.scheme, host)
    }
}

impl TryFrom<String> for Origin {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("expected a site, as \"https://phone.example\", with no path")
    }
}

fn port(scheme: &str, host: &Authority) -> Option<u16> {
    host.port_u16().or(match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_scheme_a_host_and_a_port() {
        for text in ["https://phone.example", "http://10.0.0.1:3000", "http://[::1]:80", "app://desk"] {
            assert!(Origin::parse(text).is_some(), "{text}");
        }
        for text in ["", "null", "*", "phone.example", "https://phone.example/", "https://a@phone.example", "file://"] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
        assert_eq!(Origin::parse("https://Phone.example"), Origin::parse("https://phone.example:443"));
        assert_ne!(Origin::parse("http://phone.example"), Origin::parse("https://phone.example"));
    }

    #[test]
    fn a_port_that_is_left_out_is_the_schemes_own() {
        let is_of = |origin, host: &str| Origin::parse(origin).unwrap().is_of(&host.parse().unwrap());
        assert!(is_of("http://localhost:8088", "localhost:8088") && is_of("https://calls.example", "calls.example"));
        assert!(!is_of("http://localhost:3000", "localhost") && !is_of("http://localhost", "localhost:8088"));
    }
}
