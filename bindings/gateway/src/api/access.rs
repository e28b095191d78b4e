//! Who may ask: the token, and for the live page a cookie that a login gives in exchange for it.
//!
//! The token travels in `Authorization: Bearer`, or once in the body of `POST /login`; never in an address, which ends up in logs. The
//! cookie holds when it ends and a tag over that, under a key that is made when the token is read: it tells nothing of the token,
//! and is void after a restart or a reload. It lets through reading alone, so that no foreign page can act with it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use crate::api::problem::Problem;
use crate::gateway::Gateway;
use crate::hub::now_ms;
use crate::origin;
use crate::outlets::Outlets;

/// The cookie's name, and how long it holds.
const COOKIE: &str = "veravox";
const SESSION_SECONDS: u64 = 12 * 3_600;

/// What a login brings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    token: String,
}

/// Lets a request through that may pass.
pub async fn check(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    match allowed(&gateway, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Lets a WebSocket's handshake through that no page of another site sends; what else it must bring is its protocol's own.
pub async fn check_origin(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    match origin::check(&gateway, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            gateway.failed_handshake();
            problem.into_response()
        }
    }
}

fn allowed(gateway: &Gateway, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    origin::check(gateway, headers)?;
    let secrets = gateway.secrets();
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    match secrets.token() {
        None => local_name(headers),
        Some(token) if token.is_in(headers) => Ok(()),
        Some(token)
            if is_read
                && session(headers).is_some_and(|(until, pass)| until > now() && token.is_pass_until(until, pass)) =>
        {
            Ok(())
        }
        Some(_) => {
            gateway.failed_handshake();
            Err(Problem::new(StatusCode::UNAUTHORIZED, "no_token", "expected Authorization: Bearer and the token"))
        }
    }
}

/// `POST /login`: the token for a cookie.
pub async fn login(State(outlets): State<Arc<Outlets>>, request: Request) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    origin::check(&outlets.gateway, &headers)?;
    let patience = outlets.gateway.config.limits.handshake();
    let login = tokio::time::timeout(patience, Json::<Login>::from_request(request, &())).await;
    let login =
        login.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the login did not arrive in time"))?;
    let not_of_the_form = |rejection: JsonRejection| {
        Problem::new(rejection.status(), "invalid_argument", "expected the JSON {\"token\": \"...\"}")
    };
    let Json(login) = login.map_err(not_of_the_form)?;
    let secrets = outlets.gateway.secrets();
    let Some(token) = secrets.token() else {
        local_name(&headers)?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    if !token.is(&login.token) {
        outlets.gateway.failed_handshake();
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_token", "this is not the token"));
    }
    let until = now() + SESSION_SECONDS;
    Ok(with_cookie(&outlets, &format!("{until}.{}", token.pass_until(until)), SESSION_SECONDS))
}

/// `POST /logout`: the cookie is taken back.
pub async fn logout(State(outlets): State<Arc<Outlets>>, headers: HeaderMap) -> Result<Response, Problem> {
    origin::check(&outlets.gateway, &headers)?;
    Ok(with_cookie(&outlets, "", 0))
}

fn with_cookie(outlets: &Outlets, value: &str, seconds: u64) -> Response {
    let secure = if outlets.gateway.config.http.tls_certificate.is_some() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut response = StatusCode::NO_CONTENT.into_response();
    // Digits, letters and punctuation of ours.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// When the cookie ends, and its pass.
fn session(headers: &HeaderMap) -> Option<(u64, &str)> {
    let mut cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let (until, pass) =
        cookies.find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))?.split_once('.')?;
    Some((until.parse().ok()?, pass))
}

fn now() -> u64 {
    now_ms() / 1_000
}

/// Without a token whoever reaches the listener may ask, which is this machine; but a page in a browser on this machine, whose
/// site's name was pointed here, is not meant.
fn local_name(headers: &HeaderMap) -> Result<(), Problem> {
    let words = "without http.token_file only this machine may ask, by the name localhost or its address";
    let other_host = || Problem::new(StatusCode::MISDIRECTED_REQUEST, "other_host", words);
    origin::is_local(headers).then_some(()).ok_or_else(other_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let found = |cookie| session(&headers(&[("cookie", cookie)])).map(|(until, tag)| (until, tag.to_owned()));
        assert_eq!(found("a=b; veravox=12.ab; c=d"), Some((12, "ab".to_owned())));
        for odd in ["", "veravox", "veravox=", "veravox=12", "veravox=x.ab", "veravoxx=12.ab"] {
            assert_eq!(found(odd), None, "{odd}");
        }
    }
}
