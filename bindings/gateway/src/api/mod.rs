//! What is asked by HTTP: recordings, legs, news, figures, the live page.
//!
//! The contract is `openapi.json`, which is served with it; a test holds its paths to the routes here.

pub(crate) mod access;
mod events;
mod health;
mod legs;
mod metrics;
mod page;
pub(crate) mod problem;
mod scan;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, get, post};

use crate::outlets::Outlets;
use problem::Problem;

/// The contract.
pub const OPENAPI: &str = include_str!("../../openapi.json");

/// Most bytes of a login.
const MAX_LOGIN: usize = 4_096;

type Route = (&'static str, MethodRouter<Arc<Outlets>>);

/// What asks for the token.
fn guarded(max_recording: usize) -> Vec<Route> {
    vec![
        ("/metrics", get(metrics::metrics)),
        ("/v1/events", get(events::events)),
        ("/v1/legs", get(legs::legs)),
        ("/v1/scan", post(scan::scan).layer(DefaultBodyLimit::max(max_recording))),
        ("/v1/status", get(legs::status)),
    ]
}

/// What does not.
fn open() -> Vec<Route> {
    let contract = async || ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response();
    vec![
        ("/", get(page::index)),
        ("/healthz", get(health::healthz)),
        ("/icon.svg", get(page::icon)),
        ("/login", post(access::login).layer(DefaultBodyLimit::max(MAX_LOGIN))),
        ("/logout", post(access::logout)),
        ("/page.css", get(page::style)),
        ("/page.js", get(page::script)),
        ("/readyz", get(health::readyz)),
        ("/v1/openapi.json", get(contract)),
    ]
}

/// All of it.
pub fn routes(outlets: &Arc<Outlets>) -> Router {
    let max_recording = outlets.gateway.config.scan.max_mb << 20;
    let of =
        |routes: Vec<Route>| routes.into_iter().fold(Router::new(), |router, (path, route)| router.route(path, route));
    let no_method =
        async || Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", "this path has other methods");
    of(guarded(max_recording))
        .route_layer(from_fn_with_state(Arc::clone(&outlets.gateway), access::check))
        .merge(of(open()))
        .method_not_allowed_fallback(no_method)
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "no_such_path", "there is nothing at this path"))
        .with_state(Arc::clone(outlets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_has_the_paths_that_there_are() {
        let contract: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let mut paths: Vec<_> = guarded(0).into_iter().chain(open()).map(|(path, _)| path).collect();
        // Of the page's own files nothing is promised.
        paths.retain(|path| !matches!(*path, "/" | "/icon.svg" | "/page.css" | "/page.js"));
        paths.sort_unstable();
        let mut promised: Vec<_> = contract["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        // Ports for RTP are opened where audio comes in.
        promised.retain(|path| !path.starts_with("/v1/rtp"));
        assert_eq!(paths, promised);
        for (path, _) in guarded(0) {
            for (method, operation) in contract["paths"][path].as_object().unwrap() {
                assert!(operation["responses"].get("401").is_some(), "{method} {path} asks for the token");
            }
        }
    }

    #[test]
    fn the_contract_has_the_words_that_there_are() {
        let contract: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let schemas = &contract["components"]["schemas"];
        let words = |names: &[&str]| serde_json::Value::from(names.to_vec());
        let statuses = crate::words::Status::ALL.map(crate::words::Status::as_str);
        assert_eq!(schemas["Status"]["enum"], words(&statuses));
        let protocols = crate::hub::Protocol::ALL.map(crate::hub::Protocol::as_str);
        assert_eq!(schemas["Protocol"]["enum"], words(&protocols));
        assert_eq!(contract["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
