//! Errors as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use veravox::ErrorKind;

/// What went wrong with a request. It says nothing of what was in it.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    retry_after_seconds: Option<u32>,
}

/// The members of RFC 9457; `type` is left out, which stands for `about:blank`.
#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    /// What went wrong, for programs: a kind of the library's errors, or a word of the gateway's.
    kind: &'a str,
}

impl Problem {
    /// A problem of this kind, in words.
    #[must_use]
    pub fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), retry_after_seconds: None }
    }

    /// It may be tried again after so long.
    #[must_use]
    pub fn after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// There is too much to do; it may be tried again after so long.
    #[must_use]
    pub fn overloaded(detail: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).after(seconds)
    }
}

impl From<veravox::Error> for Problem {
    fn from(error: veravox::Error) -> Self {
        let status = match error.kind() {
            ErrorKind::UnsupportedAudio => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorKind::CorruptAudio | ErrorKind::LimitExceeded => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::InvalidArgument => StatusCode::BAD_REQUEST,
            ErrorKind::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let retry_after_seconds = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(5);
        Self { retry_after_seconds, ..Self::new(status, error.kind().as_str(), error.to_string()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = Body { title, status: self.status.as_u16(), detail: &self.detail, kind: self.kind };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"veravox\""));
        }
        response
    }
}
