//! What is asked by HTTP.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::gateway::Gateway;

/// The routes that answer without a token.
pub fn open_routes() -> Router<Arc<Gateway>> {
    Router::new().route("/healthz", get(async || "ok\n"))
}

/// The routes that ask for the token.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
}
