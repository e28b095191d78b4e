//! Tokens and keys, which lie in files of their own, and whether a request brings the right one.

use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;

use crate::config::Config;

/// What is read from the files that the configuration names.
#[derive(Default)]
pub struct Secrets {
    token: Option<Token>,
    /// Twilio's auth token, as a key for its signatures.
    pub twilio: Option<hmac::Key>,
    /// Genesys' API key.
    pub audiohook: Option<Token>,
    /// Genesys' client secret, as a key for its signatures.
    pub audiohook_signing: Option<hmac::Key>,
}

/// A token that is compared without telling by the time it takes how much of it was right.
pub struct Token {
    key: hmac::Key,
    tag: hmac::Tag,
}

impl Token {
    fn new(text: &str) -> Self {
        // Tags under a key that nobody knows are compared instead of the token.
        let key = hmac::Key::new(hmac::HMAC_SHA256, crate::id::Id::random().to_string().as_bytes());
        let tag = hmac::sign(&key, text.as_bytes());
        Self { key, tag }
    }

    /// Whether this is the token.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        hmac::verify(&self.key, text.as_bytes(), self.tag.as_ref()).is_ok()
    }

    /// Whether a request brings it, as `Authorization: Bearer` or as the password of `Authorization: Basic`.
    #[must_use]
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let brought = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        brought.is_some_and(|value| match value.split_once(' ') {
            Some((scheme, text)) if scheme.eq_ignore_ascii_case("bearer") => self.is(text.trim()),
            Some((scheme, text)) if scheme.eq_ignore_ascii_case("basic") => {
                let decoded = STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                decoded.is_some_and(|pair| pair.split_once(':').is_some_and(|(_, password)| self.is(password)))
            }
            _ => false,
        })
    }

    /// A proof, for whoever showed the token, that holds until then: a tag under a key that goes with this process.
    #[must_use]
    pub fn pass_until(&self, until: u64) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, format!("until {until}").as_bytes()))
    }

    /// Whether this is the [proof](Self::pass_until).
    #[must_use]
    pub fn is_pass_until(&self, until: u64, pass: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(pass).unwrap_or_default();
        hmac::verify(&self.key, format!("until {until}").as_bytes(), &tag).is_ok()
    }
}

impl Secrets {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file cannot be read, or is empty.
    pub fn read(config: &Config) -> Result<Self, String> {
        let token = |path: &Option<PathBuf>| path.as_deref().map(secret).transpose();
        let signing = token(&config.audiohook.client_secret_file)?
            .map(|text| STANDARD.decode(text).map_err(|_| "audiohook.client_secret_file: expected base64".to_owned()))
            .transpose()?;
        Ok(Self {
            token: token(&config.http.token_file)?.map(|text| Token::new(&text)),
            twilio: token(&config.twilio.auth_token_file)?
                .map(|text| hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes())),
            audiohook: token(&config.audiohook.api_key_file)?.map(|text| Token::new(&text)),
            audiohook_signing: signing.map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes)),
        })
    }

    /// The token, where requests must bring one.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// Whether a request may pass: there is no token, or it [brings it](Token::is_in) in a header, or as `?token=` for peers that
    /// can send no header.
    #[must_use]
    pub fn allow(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let Some(token) = &self.token else { return true };
        let in_query = || uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("token="));
        token.is_in(headers) || in_query().any(|text| token.is(text))
    }
}
/// The first line of a file.
pub(crate) fn secret(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!("{}: expected a secret in the first line", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(header: Option<&str>, uri: &str) -> bool {
        let secrets = Secrets { token: Some(Token::new("s3cret")), ..Secrets::default() };
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        secrets.allow(&headers, &uri.parse().unwrap())
    }

    #[test]
    fn a_token_comes_in_three_ways() {
        assert!(allowed(Some("Bearer s3cret"), "/"));
        assert!(allowed(Some(&format!("Basic {}", STANDARD.encode("anyone:s3cret"))), "/"));
        assert!(allowed(None, "/v1/legs?x=1&token=s3cret"));
        for wrong in [None, Some("Bearer s3cre"), Some("Bearer"), Some("Basic s3cret"), Some("Digest s3cret")] {
            assert!(!allowed(wrong, "/v1/legs?token=S3cret"), "{wrong:?}");
        }
        assert!(Secrets::default().allow(&HeaderMap::new(), &Uri::from_static("/")));
    }

    #[test]
    fn a_pass_holds_for_its_time_and_its_token_alone() {
        let (token, other) = (Token::new("s3cret"), Token::new("s3cret"));
        let pass = token.pass_until(1_000);
        assert!(token.is_pass_until(1_000, &pass));
        assert!(
            !token.is_pass_until(1_001, &pass) && !token.is_pass_until(1_000, "") && !other.is_pass_until(1_000, &pass)
        );
    }

    #[test]
    fn an_empty_secret_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, " \n").unwrap();
        assert!(secret(&path).unwrap_err().contains("expected a secret"));
        std::fs::write(&path, "abc \n").unwrap();
        assert_eq!(secret(&path).as_deref(), Ok("abc"));
    }
}
