//! `GET /v1/events`: the news of all legs as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;

use crate::api::problem::Problem;
use crate::feed::{Begin, Item};
use crate::outlets::{MAX_READERS, Outlets};

/// A line that says nothing, so that neither end takes the other for gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a reader may ask for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Begin with what is kept instead of with what comes.
    #[serde(default)]
    kept: bool,
    /// Which events, with commas between; all without it.
    events: Option<String>,
}

/// The events that there are.
pub const EVENTS: [&str; 4] = ["opened", "window", "verdict", "ended"];

pub async fn events(
    State(outlets): State<Arc<Outlets>>,
    wish: Result<Query<Wish>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let bad = |words: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_argument", words);
    let Query(wish) = wish.map_err(|rejection| bad(rejection.body_text()))?;
    let wanted: Vec<&str> = match &wish.events {
        Some(names) => names
            .split(',')
            .map(|name| EVENTS.into_iter().find(|known| *known == name))
            .collect::<Option<_>>()
            .ok_or_else(|| bad(format!("events: expected names with commas between, of {}", EVENTS.join(", "))))?,
        None => EVENTS.into(),
    };
    let begin = match headers.get("last-event-id").map(HeaderValue::to_str) {
        // A browser sends an empty one before it had any.
        None | Some(Ok("")) => {
            if wish.kept {
                Begin::Kept
            } else {
                Begin::Now
            }
        }
        Some(id) => {
            let id = id.ok().and_then(|id| id.parse().ok());
            Begin::After(id.ok_or_else(|| bad("Last-Event-ID: expected an id that this stream gave".to_owned()))?)
        }
    };
    let place = Arc::clone(&outlets.readers).try_acquire_owned();
    let place = place
        .map_err(|_| Problem::overloaded(format!("{MAX_READERS} readers are here, as many as there may be"), 10))?;
    let reader = outlets.feed.read(begin);
    let stream = stream::unfold((reader, wanted, outlets, place), async |(mut reader, wanted, outlets, place)| {
        loop {
            let item = tokio::select! {
                biased;
                item = reader.next() => item,
                // All was told: the stream ends, and a client comes back to the next run.
                () = outlets.gateway.drained() => return None,
            };
            let event = match item {
                Item::Missed(n) => Event::default().event("missed").data(format!("{{\"missed\":{n}}}")),
                Item::News(entry) if wanted.contains(&entry.event) => {
                    Event::default().id(entry.id.to_string()).event(entry.event).data(&entry.json)
                }
                Item::News(_) => continue,
            };
            return Some((Ok::<_, Infallible>(event), (reader, wanted, outlets, place)));
        }
    });
    let mut response = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that gather what they pass on would keep the news back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}
