//! How a receiver knows that a message is ours, and fresh: the symmetric scheme of Standard Webhooks 1.0.
//!
//! `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`. The secret is
//! written `whsec_` and base64, of 24 to 64 bytes. Libraries for receivers: <https://www.standardwebhooks.com>.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

const PREFIX: &str = "whsec_";
/// Bytes of a secret, by the specification.
const SIZES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secret that sender and receiver share.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl Secret {
    /// Reads a secret as it is written.
    ///
    /// # Errors
    /// What is expected, where it is something else.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "expected {PREFIX} and the base64 of {} to {} random bytes (openssl rand -base64 32)",
                SIZES.start(),
                SIZES.end()
            )
        };
        let bytes =
            text.strip_prefix(PREFIX).and_then(|rest| BASE64_STANDARD.decode(rest).ok()).ok_or_else(expected)?;
        if SIZES.contains(&bytes.len()) { Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))) } else { Err(expected()) }
    }

    /// The value of `webhook-signature`; `timestamp` is in seconds since 1970.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut signed = hmac::Context::with_key(&self.0);
        signed.update(format!("{id}.{timestamp}.").as_bytes());
        signed.update(body);
        format!("v1,{}", BASE64_STANDARD.encode(signed.sign()))
    }
}

/// A secret is not printed.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the reference library for Python, `standardwebhooks` 1.0: `Webhook(secret).sign(...)`.
    #[test]
    fn the_signature_is_that_of_the_reference() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_none_is_refused_in_words() {
        for text in ["", "secret", "whsec_", "whsec_AAAA", "whsec_***", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(Secret::parse(text).unwrap_err().contains("openssl rand"), "{text}");
        }
        assert_eq!(format!("{:?}", Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()), "Secret");
    }
}
