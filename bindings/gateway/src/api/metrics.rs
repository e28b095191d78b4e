//! `GET /metrics`: what was counted, in the text format of Prometheus. Nothing in it is of one call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text::{CONTENT_TYPE, encode};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::api::problem::Problem;
use crate::hub::Protocol;
use crate::outlets::Outlets;
use crate::words::Status;

pub async fn metrics(State(outlets): State<Arc<Outlets>>) -> Result<Response, Problem> {
    let mut registry = Registry::with_prefix("veravox");
    registry.register_collector(Box::new(Now(outlets)));
    let mut text = String::new();
    encode(&mut text, &registry)
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the counters cannot be written"))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

/// All counters, read at the moment of the question.
struct Now(Arc<Outlets>);

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Now")
    }
}

/// Writes metrics one by one.
struct Pen<'a>(DescriptorEncoder<'a>);

impl Pen<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: &mut dyn Iterator<Item = (&str, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (of, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&[(label, of)])?)?;
        }
        Ok(())
    }

    fn gauges(&mut self, name: &str, help: &str, label: &str, values: &[(&str, f64)]) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (of, value) in values {
            ConstGauge::new(*value).encode(family.encode_family(&[(label, *of)])?)?;
        }
        Ok(())
    }
}

impl Collector for Now {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut pen = Pen(encoder);
        self.hub(&mut pen)?;
        self.engine(&mut pen)?;
        self.webhook(&mut pen)?;
        self.ami(&mut pen)
    }
}

impl Now {
    fn hub(&self, pen: &mut Pen<'_>) -> fmt::Result {
        let hub = &self.0.gateway.hub;
        let counters = hub.counters();
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        pen.gauge("legs", "Legs in progress", hub.n_legs() as f64)?;
        let mut opened = Protocol::ALL.iter().map(|protocol| protocol.as_str()).zip(counters.opened.iter().map(of));
        pen.counters("legs_opened", "Legs opened, by protocol", "protocol", &mut opened)?;
        let mut ended = Status::ALL.iter().map(|status| status.as_str()).zip(counters.ended.iter().map(of));
        pen.counters("legs_ended", "Legs ended, by their last status", "status", &mut ended)?;
        pen.seconds("heard_seconds", "Audio of legs that ended", of(&counters.heard_ms) as f64 / 1_000.0)?;
        let refused = of(&counters.refused_connections);
        pen.counter("connections_refused", "Connections closed since as many as are let in were open", refused)?;
        let failed = of(&counters.failed_handshakes);
        pen.counter("handshakes_failed", "Connections without a word in time, or without the token", failed)?;
        pen.counter(
            "calls_broken",
            "Calls that ended by something that is not their protocol",
            of(&counters.broken_calls),
        )?;
        let readers = crate::outlets::MAX_READERS - self.0.readers.available_permits();
        pen.gauge("event_readers", "Readers of /v1/events", readers as f64)
    }

    fn engine(&self, pen: &mut Pen<'_>) -> fmt::Result {
        let stats = self.0.gateway.scorer.stats();
        pen.gauge(
            "engine_up",
            "1 where an engine scores, 0 where legs have the status ERROR",
            f64::from(u8::from(stats.is_some())),
        )?;
        let stats = stats.unwrap_or_default();
        pen.counter("windows_scored", "Windows scored", stats.scored_windows)?;
        pen.counter("windows_shed", "Windows not scored, for want of time", stats.shed_windows)?;
        pen.counter(
            "windows_replaced",
            "Windows not scored, since a newer one of their leg was ready",
            stats.replaced_windows,
        )?;
        let second = stats.second.unwrap_or_default();
        let fates = [("answered", second.answered), ("late", second.late), ("over_budget", second.over_budget)];
        let help = "Windows for the second model of a cascade, by what became of them";
        pen.counters("windows_for_second", help, "fate", &mut fates.into_iter())?;
        pen.counter("legs_refused", "Legs beyond those that are admitted", stats.refused_legs)?;
        pen.counter("legs_failed", "Legs that the engine could not score", stats.failed_legs)?;
        pen.counter("samples_dropped", "Samples that no buffer had room for", stats.dropped_samples)?;
        pen.seconds("engine_hearing_seconds", "Processor time of finding speech", stats.hearing_seconds)?;
        pen.seconds("engine_scoring_seconds", "Processor time of features and model", stats.scoring_seconds)?;
        let delay = stats.compute_delay_ms;
        let quantiles = [("0.5", delay.p50 / 1_000.0), ("0.99", delay.p99 / 1_000.0), ("1", delay.max / 1_000.0)];
        pen.gauges(
            "score_delay_seconds",
            "From the end of a window's audio to its score, since the start",
            "quantile",
            &quantiles,
        )
    }

    fn webhook(&self, pen: &mut Pen<'_>) -> fmt::Result {
        let Some(webhook) = &self.0.webhook else { return Ok(()) };
        let stats = webhook.stats();
        pen.counter("webhook_messages", "Messages made for the webhook", stats.offered)?;
        pen.counter("webhook_delivered", "Messages that the target accepted", stats.delivered)?;
        pen.counter(
            "webhook_failed_attempts",
            "Attempts that brought no message to the target",
            stats.failed_attempts,
        )?;
        pen.counter("webhook_lost", "Messages that will never be delivered", stats.lost)?;
        pen.counter("webhook_unspooled", "Messages that the spool had no room for", stats.unspooled)?;
        pen.gauge("webhook_waiting", "Messages that wait", stats.waiting as f64)?;
        pen.gauge("webhook_spool_bytes", "Bytes in the spool", stats.spool_bytes as f64)?;
        pen.gauge(
            "webhook_target_down",
            "1 where the last attempt found the target down",
            f64::from(u8::from(stats.target_down)),
        )
    }

    fn ami(&self, pen: &mut Pen<'_>) -> fmt::Result {
        let Some(ami) = &self.0.ami else { return Ok(()) };
        let stats = ami.stats();
        pen.gauge(
            "ami_connected",
            "1 where Asterisk's manager interface is connected",
            f64::from(u8::from(stats.connected)),
        )?;
        pen.counter("ami_connections", "Connections to Asterisk that were logged in", stats.connections)?;
        pen.counter("ami_told", "Verdicts that Asterisk was told", stats.told)?;
        pen.counter("ami_gone", "Verdicts on channels that were gone", stats.gone)?;
        pen.counter("ami_not_found", "Legs whose channel was not found", stats.not_found)?;
        pen.counter("ami_refused", "Verdicts that Asterisk refused", stats.refused)
    }
}
