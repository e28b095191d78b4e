//! `GET /healthz`: the process answers. `GET /readyz`: it can watch calls. Both without a token, and with nothing worth one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::outlets::Outlets;

/// The answer of `GET /readyz`.
#[derive(Serialize)]
pub struct Readiness {
    ready: bool,
    /// Why not, in one word: `stopping`, or the cause of the status ERROR that legs would have now.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
}

pub async fn healthz() -> &'static str {
    "ok\n"
}

/// A webhook's target or an Asterisk that is away does not make the gateway unready: verdicts wait for them.
pub async fn readyz(State(outlets): State<Arc<Outlets>>) -> (StatusCode, Json<Readiness>) {
    let gateway = &outlets.gateway;
    let cause = if gateway.is_stopping() {
        Some("stopping")
    } else {
        gateway.scorer.engine().err().map(|missing| missing.fault.as_str())
    };
    let status = if cause.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: cause.is_none(), cause }))
}
