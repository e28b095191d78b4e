//! One attempt to bring a message to the target.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::Webhook;
use crate::secrets::secret;
use crate::webhook::queue::Outcome;
use crate::webhook::signature::Secret;

/// An answer is read to its end, so that the connection can be used again, up to this size.
const MAX_ANSWER: usize = 64 << 10;

/// Where messages go.
pub struct Target {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    secret: Option<Secret>,
    timeout: Duration,
}

impl Target {
    /// The target that the settings name; none where they name none.
    ///
    /// # Errors
    /// Where they cannot be, in words.
    pub fn new(settings: &Webhook) -> Result<Option<Self>, String> {
        let Some(url) = &settings.url else { return Ok(None) };
        let url: Uri = url.parse().map_err(|e| format!("webhook.url: {e}"))?;
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none_or(str::is_empty) {
            return Err("webhook.url: expected https://host/path or http://host/path".to_owned());
        }
        if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("webhook.url: a user in the address is not sent, the signature says who we are".to_owned());
        }
        let secret = settings.secret_file.as_deref().map(|path| {
            Secret::parse(&secret(path)?).map_err(|e| format!("webhook.secret_file {}: {e}", path.display()))
        });
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls(url.scheme_str() == Some("https"))?);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector.https_or_http().enable_http1().build());
        Ok(Some(Self { client, url, secret: secret.transpose()?, timeout: settings.timeout() }))
    }

    /// Sends a message once, and says what came of it, with words for the log.
    pub async fn post(&self, id: &str, body: Arc<[u8]>) -> (Outcome, String) {
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("veravox-gateway/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp);
        if let Some(secret) = &self.secret {
            request = request.header("webhook-signature", secret.sign(id, timestamp, &body));
        }
        let request = match request.body(Full::new(Bytes::from_owner(body))) {
            Ok(request) => request,
            Err(error) => return (Outcome::Refused, error.to_string()),
        };
        match tokio::time::timeout(self.timeout, self.answer(request)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => (Outcome::Down(None), words(&error)),
            Err(_) => (Outcome::Down(None), format!("no answer within {} s", self.timeout.as_secs_f64())),
        }
    }

    async fn answer(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Outcome, String), hyper_util::client::legacy::Error> {
        let answer = self.client.request(request).await?;
        let outcome = outcome(&answer);
        let status = answer.status();
        // What it says is of no interest, and whether it says it to the end neither.
        let _ = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        Ok((outcome, format!("it answered {}", status.as_u16())))
    }
}

/// With the certificates that the system trusts, or those that `SSL_CERT_FILE` names; none are asked for where none are used.
fn tls(is_used: bool) -> Result<ClientConfig, String> {
    let words = |e: &dyn std::fmt::Display| {
        format!("webhook.url: the certificates that this system trusts cannot be read: {e}")
    };
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| words(&e))?;
    let config = if is_used {
        config.with_native_roots().map_err(|e| words(&e))?
    } else {
        config.with_root_certificates(RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}

fn outcome<T>(answer: &Response<T>) -> Outcome {
    let asked = || answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs);
    match answer.status() {
        status if status.is_success() => Outcome::Accepted,
        StatusCode::GONE => Outcome::Gone,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => Outcome::Down(asked()),
        status if status.is_server_error() => Outcome::Down(asked()),
        // Redirections too: a signed message does not follow whoever names another address.
        _ => Outcome::Refused,
    }
}

/// The words of an error and of what lies under it; hyper's own say little.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_target_answers_decides() {
        let of = |status: u16, after: Option<&str>| {
            let mut answer = Response::builder().status(status);
            if let Some(after) = after {
                answer = answer.header(RETRY_AFTER, after);
            }
            outcome(&answer.body(()).unwrap())
        };
        assert_eq!(of(204, None), Outcome::Accepted);
        assert_eq!(of(410, None), Outcome::Gone);
        assert_eq!(of(429, Some("7")), Outcome::Down(Some(Duration::from_secs(7))));
        assert_eq!(of(503, Some("Fri, 31 Dec 1999 23:59:59 GMT")), Outcome::Down(None));
        for status in [301, 400, 401, 404, 422] {
            assert_eq!(of(status, None), Outcome::Refused, "{status}");
        }
    }

    #[test]
    fn settings_that_cannot_be_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let of = |url: &str, secret: &str| {
            let secret_file = (!secret.is_empty()).then(|| folder.path().join("secret"));
            if let Some(path) = &secret_file {
                std::fs::write(path, secret).unwrap();
            }
            let settings = Webhook { url: Some(url.to_owned()), secret_file, ..Webhook::default() };
            Target::new(&settings).err().unwrap_or_default()
        };
        assert_eq!(of("http://127.0.0.1:9/hook", ""), "");
        for (url, secret, name) in [
            ("", "", "webhook.url"),
            ("ftp://host/", "", "webhook.url"),
            ("/hook", "", "webhook.url"),
            ("https://me:secret@host/", "", "webhook.url"),
            ("https://host/", "topsecret", "webhook.secret_file"),
        ] {
            let words = of(url, secret);
            assert!(words.starts_with(name), "{words}");
            assert!(!words.contains("topsecret") && !words.contains("me:secret"), "{words}");
        }
    }
}
