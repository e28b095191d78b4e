//! From where a browser's page asks: not from another site's, unless the configuration lists it.
//!
//! A page that somebody looks at may open WebSockets to every address that their machine reaches, this one's loopback too, and post
//! to it. Its browser says whose page it is, in `Origin` and `Sec-Fetch-Site`; what is no browser says nothing, and is let pass.

use std::net::IpAddr;
use std::str::FromStr as _;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::api::problem::Problem;
use crate::config::Origin;
use crate::gateway::Gateway;

/// Lets a request pass that no page of another site sends.
///
/// # Errors
/// That one does.
pub fn check(gateway: &Gateway, headers: &HeaderMap) -> Result<(), Problem> {
    let is_ours = match headers.get(header::ORIGIN) {
        // It leaves its origin out where it only reads.
        None => {
            matches!(headers.get("sec-fetch-site").map(HeaderValue::as_bytes), None | Some(b"same-origin" | b"none"))
        }
        Some(origin) => origin.to_str().ok().and_then(Origin::parse).is_some_and(|origin| {
            // Without a token the name tells: a site's may be pointed at this machine, and its page is then of the host that it asks.
            let has_own_name = || gateway.secrets().token().is_some() || is_local(headers);
            let is_own = || host(headers).is_some_and(|host| origin.is_of(&host)) && has_own_name();
            gateway.config.http.allowed_origins.contains(&origin) || is_own()
        }),
    };
    let words = "a page of another site may not ask here, unless http.allowed_origins lists it";
    is_ours.then_some(()).ok_or_else(|| Problem::new(StatusCode::FORBIDDEN, "other_site", words))
}

/// Whether a request names this machine as its loopback is named.
#[must_use]
pub fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = host(headers) else { return false };
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    Authority::from_str(headers.get(header::HOST)?.to_str().ok()?).ok().filter(|host| !host.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Source};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_this_machine_by_its_own_names() {
        for host in ["localhost", "LOCALHOST:8088", "127.0.0.1:8088", "127.1.2.3", "[::1]:8088"] {
            assert!(is_local(&headers(&[("host", host)])), "{host}");
        }
        for host in ["", "evil.example:8088", "localhost.evil.example", "10.0.0.1", "[2001:db8::1]:80", "a@localhost"] {
            assert!(!is_local(&headers(&[("host", host)])), "{host}");
        }
    }

    #[test]
    fn other_sites_may_not_ask() {
        let config = "[scoring]\nmodel = \"/nowhere\"\n[http]\nallowed_origins = [\"https://phone.example\"]\n";
        let gateway = Gateway::with(Config::parse(config).unwrap(), Source::default()).unwrap();
        let may = |pairs: &[(&'static str, &str)]| check(&gateway, &headers(pairs)).is_ok();
        let (here, there) = (("host", "localhost:8088"), ("host", "rebound.example:8088"));
        assert!(may(&[]) && may(&[there]), "no browser");
        assert!(may(&[here, ("sec-fetch-site", "same-origin")]) && may(&[here, ("sec-fetch-site", "none")]));
        assert!(!may(&[here, ("sec-fetch-site", "cross-site")]) && !may(&[here, ("sec-fetch-site", "same-site")]));
        let from = |host, origin| may(&[host, ("origin", origin)]);
        assert!(from(here, "http://localhost:8088") && from(here, "https://phone.example"));
        // libwebsockets says the host that it connects to, without a port in either place.
        assert!(from(("host", "127.0.0.1"), "http://127.0.0.1"));
        for origin in
            ["http://localhost:3000", "http://localhost", "http://phone.example", "https://evil.example", "null", ""]
        {
            assert!(!from(here, origin), "{origin}");
        }
        assert!(!from(there, "http://rebound.example:8088"), "a name that was pointed here");
        assert!(may(&[here, ("origin", "https://phone.example"), ("sec-fetch-site", "cross-site")]), "it is listed");
    }
}
