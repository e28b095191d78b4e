//! Signatures that cloud telephony puts on its requests.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// What a signature of Genesys must be over, at least.
const SIGNED: [&str; 6] = [
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
];
/// Clocks may differ by so much.
const MAX_SKEW: Duration = Duration::from_mins(5);

/// Twilio's: HMAC-SHA1 over the address that it was told, in base64 (`X-Twilio-Signature`). Where that is not configured it is put
/// together from `Host` and path; behind a proxy they may be other than Twilio was told.
#[must_use]
pub fn twilio(key: &hmac::Key, url: Option<&str>, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some(tag) = text(headers, "x-twilio-signature").and_then(|text| STANDARD.decode(text).ok()) else {
        return false;
    };
    let address = match (url, text(headers, header::HOST.as_str())) {
        (Some(url), _) => url.to_owned(),
        (None, Some(host)) => format!("wss://{host}{uri}"),
        (None, None) => return false,
    };
    // Twilio puts a slash at the end of some.
    hmac::verify(key, address.as_bytes(), &tag).is_ok()
        || hmac::verify(key, format!("{address}/").as_bytes(), &tag).is_ok()
}

/// Genesys': HTTP Message Signatures (RFC 9421) by HMAC-SHA256, over address, host, ids and API key. It must not have expired;
/// whether it was used before is not remembered.
#[must_use]
pub fn audiohook(key: &hmac::Key, headers: &HeaderMap, uri: &Uri, now: SystemTime) -> bool {
    let signed = || {
        let (label, input) = text(headers, "signature-input")?.split_once('=')?;
        let (signature_label, signature) = text(headers, "signature")?.split_once('=')?;
        let tag = STANDARD.decode(signature.strip_prefix(':')?.strip_suffix(':')?).ok()?;
        let (components, parameters) = input.strip_prefix('(')?.split_once(')')?;
        let names: Vec<&str> = components.split(' ').map(|name| name.trim_matches('"')).collect();
        let mut base = String::new();
        for name in &names {
            let value = match *name {
                "@request-target" => uri.path_and_query()?.as_str(),
                "@authority" => text(headers, header::HOST.as_str())?,
                name => text(headers, name)?,
            };
            writeln!(base, "\"{name}\": {value}").ok()?;
        }
        write!(base, "\"@signature-params\": {input}").ok()?;
        let seconds = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let number = |name: &str| {
            let parameter = parameters.split(';').find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='));
            parameter?.parse::<u64>().ok()
        };
        let is_fresh =
            number("created")? <= seconds + MAX_SKEW.as_secs() && number("expires")? + MAX_SKEW.as_secs() >= seconds;
        let is_whole = SIGNED.iter().all(|name| names.contains(name)) && label == signature_label;
        Some(is_fresh && is_whole && hmac::verify(key, base.as_bytes(), &tag).is_ok())
    };
    signed().unwrap_or(false)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Genesys' documentation.
    fn genesys() -> HeaderMap {
        let input = concat!(
            r#"sig1=("@request-target" "@authority" "audiohook-organization-id" "audiohook-session-id" "#,
            r#""audiohook-correlation-id" "x-api-key");keyid="SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh";"#,
            r#"nonce="VGhpc0lzQVVuaXF1ZU5vbmNl";alg="hmac-sha256";created=1641013200;expires=3282026430"#
        );
        let pairs = [
            ("host", "audiohook.example.com"),
            ("audiohook-organization-id", "d7934305-0972-4844-938e-9060eef73d05"),
            ("audiohook-session-id", "30b0e395-84d3-4570-ac13-9a62d8f514c0"),
            ("audiohook-correlation-id", "e160e428-53e2-487c-977d-96989bf5c99d"),
            ("x-api-key", "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh"),
            ("signature", "sig1=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:"),
            ("signature-input", input),
        ];
        pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn verified(headers: &HeaderMap, path: &'static str, at: u64) -> bool {
        let secret = STANDARD.decode("TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        audiohook(&key, headers, &Uri::from_static(path), UNIX_EPOCH + Duration::from_secs(at))
    }

    #[test]
    fn genesys_example_is_verified_and_nothing_else() {
        const PATH: &str = "/api/v1/voicebiometrics/ws";
        assert!(verified(&genesys(), PATH, 1_641_013_210));
        assert!(!verified(&genesys(), "/another", 1_641_013_210), "path");
        assert!(!verified(&genesys(), PATH, 3_282_030_000), "expired");
        assert!(!verified(&genesys(), PATH, 1_641_010_000), "not yet made");
        for name in ["signature", "signature-input", "x-api-key", "host"] {
            let mut headers = genesys();
            headers.remove(name);
            assert!(!verified(&headers, PATH, 1_641_013_210), "{name}");
            headers.insert(name, "sig1=:AAAA:".parse().unwrap());
            assert!(!verified(&headers, PATH, 1_641_013_210), "{name}");
        }
    }

    #[test]
    fn twilios_is_over_the_address_it_was_told() {
        // Made with openssl: printf %s wss://example.org/v1/media/twilio | openssl dgst -sha1 -hmac 12345 -binary | base64
        let signature = "fvh6kfpxGLmQNv/BkqCO62u9sT0=";
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345");
        let mut headers = HeaderMap::new();
        headers.insert("x-twilio-signature", signature.parse().unwrap());
        headers.insert(header::HOST, "example.org".parse().unwrap());
        let uri = Uri::from_static("/v1/media/twilio");
        assert!(twilio(&key, None, &headers, &uri));
        assert!(twilio(&key, Some("wss://example.org/v1/media/twilio"), &headers, &uri));
        assert!(!twilio(&key, Some("wss://example.org/v1/media/other"), &headers, &uri));
        assert!(!twilio(&key, None, &HeaderMap::new(), &uri));
    }
}
