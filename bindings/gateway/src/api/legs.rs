//! `GET /v1/legs`: the legs in progress. `GET /v1/status`: what the gateway does.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use veravox::engine::EngineStats;
use veravox::report::ReportHead;

use crate::ami::AmiStats;
use crate::hub::{LegNow, Protocol};
use crate::outlets::Outlets;
use crate::webhook::WebhookStats;
use crate::words::Status as Word;

/// The answer of `GET /v1/legs`.
#[derive(Serialize)]
pub struct Legs {
    /// Oldest first.
    legs: Vec<LegNow>,
}

/// The answer of `GET /v1/status`.
#[derive(Serialize)]
pub struct Status {
    version: &'static str,
    /// Since the gateway was started.
    uptime_seconds: u64,
    /// A token is asked for.
    guarded: bool,
    /// Legs in progress.
    legs: usize,
    /// Legs since the start, by protocol.
    opened: serde_json::Map<String, serde_json::Value>,
    /// Legs that ended, by their last status.
    ended: serde_json::Map<String, serde_json::Value>,
    /// What scores audio of each model's rate; empty where nothing does.
    models: Vec<ReportHead>,
    engine: Option<EngineStats>,
    webhook: Option<WebhookStats>,
    ami: Option<AmiStats>,
}

pub async fn legs(State(outlets): State<Arc<Outlets>>) -> Json<Legs> {
    Json(Legs { legs: outlets.gateway.hub.legs() })
}

pub async fn status(State(outlets): State<Arc<Outlets>>) -> Json<Status> {
    let gateway = &outlets.gateway;
    let counters = gateway.hub.counters();
    let engine = gateway.scorer.engine().ok();
    let models = engine.as_ref().map_or_else(Vec::new, |engine| {
        let detector = engine.detector();
        detector.manifests().map(|manifest| detector.report_head(manifest.input.sample_rate_hz)).collect()
    });
    let numbers = |names: &mut dyn Iterator<Item = &'static str>, counts: &[std::sync::atomic::AtomicU64]| {
        names.zip(counts).map(|(name, count)| (name.to_owned(), count.load(Ordering::Relaxed).into())).collect()
    };
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: outlets.started.elapsed().as_secs(),
        guarded: gateway.secrets().token().is_some(),
        legs: gateway.hub.n_legs(),
        opened: numbers(&mut Protocol::ALL.iter().map(|protocol| protocol.as_str()), &counters.opened),
        ended: numbers(&mut Word::ALL.iter().map(|word| word.as_str()), &counters.ended),
        models,
        engine: engine.map(|engine| engine.stats()),
        webhook: outlets.webhook.as_ref().map(|webhook| webhook.stats()),
        ami: outlets.ami.as_ref().map(|ami| ami.stats()),
    })
}
