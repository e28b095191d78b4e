//! The WebSockets that bring calls: Asterisk's `chan_websocket`, FreeSWITCH and jambonz, Twilio, Genesys.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::doors::broken_call;
use crate::api::problem::Problem;
use crate::call::Call;
use crate::gateway::{Gateway, Place};
use crate::hub::LegNews;
use crate::id::Id;
use crate::protocol::asterisk::Asterisk;
use crate::protocol::audiohook::AudioHook;
use crate::protocol::fork::{self, Fork};
use crate::protocol::twilio::Twilio;
use crate::protocol::{Broken, Flow, Incoming, Outgoing, Protocol};
use crate::signatures;
use crate::words::Fault;

/// How often a call is looked at that sends nothing.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the other side may take to read what it is sent. One that takes longer is told no more.
const MAX_SEND: Duration = Duration::from_secs(2);
/// How long it has to close, once we have.
const MAX_CLOSE: Duration = Duration::from_secs(2);
/// What is read at a time.
const READ_BUFFER: usize = 4_096;

/// The routes, each with the right of entry of its own.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/v1/media/asterisk", get(asterisk))
        .route("/v1/media/fork", get(fork))
        .route("/v1/media/twilio", get(twilio))
        .route("/v1/media/audiohook", get(audiohook))
}

type Upgrade = Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>;

/// What the address of Asterisk's connection may say.
#[derive(Deserialize)]
struct Told {
    /// The call, a UUID.
    call: Option<String>,
}

async fn asterisk(
    gateway: State<Arc<Gateway>>,
    place: Extension<Place>,
    told: Result<Query<Told>, QueryRejection>,
    headers: HeaderMap,
    uri: Uri,
    ws: Upgrade,
) -> Response {
    let call = told.ok().and_then(|told| Id::parse(told.call.as_deref()?));
    let may_enter = gateway.secrets().allow(&headers, &uri);
    enter(may_enter, Box::new(Asterisk::new(call)), gateway.0, place.0, &headers, ws)
}

async fn fork(
    gateway: State<Arc<Gateway>>,
    place: Extension<Place>,
    told: Result<Query<fork::Told>, QueryRejection>,
    headers: HeaderMap,
    uri: Uri,
    ws: Upgrade,
) -> Response {
    let Query(told) = match told {
        Ok(told) => told,
        Err(rejection) => return refused(rejection.status(), rejection.body_text()),
    };
    let may_enter = gateway.secrets().allow(&headers, &uri);
    enter(may_enter, Box::new(Fork::new(told)), gateway.0, place.0, &headers, ws)
}

async fn twilio(
    gateway: State<Arc<Gateway>>,
    place: Extension<Place>,
    headers: HeaderMap,
    uri: Uri,
    ws: Upgrade,
) -> Response {
    let secrets = gateway.secrets();
    let may_enter = match &secrets.twilio {
        Some(key) => signatures::twilio(key, gateway.config.twilio.url.as_deref(), &headers, &uri),
        None => secrets.allow(&headers, &uri),
    };
    enter(may_enter, Box::new(Twilio::default()), gateway.0, place.0, &headers, ws)
}

async fn audiohook(
    gateway: State<Arc<Gateway>>,
    place: Extension<Place>,
    headers: HeaderMap,
    uri: Uri,
    ws: Upgrade,
) -> Response {
    let secrets = gateway.secrets();
    let key = headers.get("x-api-key").and_then(|value| value.to_str().ok());
    let has_key = match &secrets.audiohook {
        Some(token) => key.is_some_and(|key| token.is(key)),
        None => secrets.allow(&headers, &uri),
    };
    let is_signed = secrets
        .audiohook_signing
        .as_ref()
        .is_none_or(|key| signatures::audiohook(key, &headers, &uri, std::time::SystemTime::now()));
    enter(has_key && is_signed, Box::new(AudioHook::default()), gateway.0, place.0, &headers, ws)
}

fn refused(status: StatusCode, words: impl Into<String>) -> Response {
    let kind = if status == StatusCode::UNAUTHORIZED { "no_token" } else { "invalid_argument" };
    Problem::new(status, kind, words).into_response()
}

fn enter(
    may_enter: bool,
    protocol: Box<dyn Protocol>,
    gateway: Arc<Gateway>,
    place: Place,
    headers: &HeaderMap,
    ws: Upgrade,
) -> Response {
    if !may_enter {
        gateway.failed_handshake();
        return refused(StatusCode::UNAUTHORIZED, "expected the token or the signature that is asked for here");
    }
    let ws = match ws {
        Ok(ws) => ws,
        Err(rejection) => return refused(rejection.status(), rejection.body_text()),
    };
    // Whatever name of a protocol the other side offers is the right one: the address says which it is.
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let offered: Vec<String> = offered.flat_map(|names| names.split(',')).map(|name| name.trim().to_owned()).collect();
    let max = gateway.config.limits.message_bytes;
    ws.protocols(offered)
        .max_message_size(max)
        .max_frame_size(max)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(max)
        .on_upgrade(move |socket| async move {
            converse(socket, protocol, &gateway).await;
            drop(place);
        })
}

/// How a call ends.
#[derive(Debug, PartialEq)]
enum End {
    Theirs,
    Ours,
    Broken(Broken),
}

struct Line {
    socket: WebSocket,
    protocol: Box<dyn Protocol>,
    /// It does not read what it is sent.
    is_deaf: bool,
}

async fn converse(socket: WebSocket, protocol: Box<dyn Protocol>, gateway: &Arc<Gateway>) {
    let mut call = Call::new(gateway, protocol.kind());
    let mut line = Line { socket, protocol, is_deaf: false };
    let end = line.listen(&mut call, gateway).await;
    if let End::Broken(broken) = &end {
        broken_call(gateway, line.protocol.kind(), *broken);
    }
    let mut told = Vec::new();
    let mut tell = |news: &LegNews| told.extend(line.protocol.tell(news));
    match &end {
        End::Broken(_) => call.fail(Fault::Protocol, &mut tell),
        _ if !call.has_begun() => gateway.failed_handshake(),
        _ => call.finish(&mut tell).await,
    }
    if end != End::Theirs {
        told.extend(line.protocol.farewell());
    }
    for message in told {
        line.send(message).await;
    }
    let closing = async {
        let code = match end {
            End::Broken(_) => axum::extract::ws::close_code::PROTOCOL,
            _ => axum::extract::ws::close_code::NORMAL,
        };
        let reason = if let End::Broken(Broken(words)) = end { words } else { "" };
        let frame = axum::extract::ws::CloseFrame { code, reason: reason.into() };
        // After the other side's close frame this one is its answer, and there is no other.
        let _ = line.socket.send(Message::Close(Some(frame))).await;
        while let Some(Ok(_)) = line.socket.recv().await {}
    };
    let _ = tokio::time::timeout(MAX_CLOSE, closing).await;
}

impl Line {
    async fn listen(&mut self, call: &mut Call, gateway: &Gateway) -> End {
        let limits = &gateway.config.limits;
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let began = Instant::now();
        let mut heard_at = began;
        let mut stopped = std::pin::pin!(gateway.stopped());
        loop {
            let mut told = Vec::new();
            let flow = tokio::select! {
                biased;
                message = self.socket.recv() => {
                    heard_at = Instant::now();
                    let incoming = match &message {
                        Some(Ok(Message::Text(text))) => Incoming::Text(text),
                        Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        // After too long a message nothing can be read any more.
                        Some(Err(_) | Ok(Message::Close(_))) | None => return End::Theirs,
                    };
                    let flow = match self.protocol.hear(incoming, call) {
                        Ok(flow) => flow,
                        Err(broken) => return End::Broken(broken),
                    };
                    call.look(&mut |news| told.extend(self.protocol.tell(news)));
                    flow
                }
                _ = ticks.tick() => {
                    call.tick(&mut |news| told.extend(self.protocol.tell(news)));
                    let now = Instant::now();
                    let is_late = !call.has_begun() && now - began > limits.handshake();
                    if is_late || now - heard_at > limits.idle() || call.age() > limits.call() {
                        return End::Ours;
                    }
                    Flow::GoesOn
                }
                () = &mut stopped => return End::Ours,
            };
            for answer in std::mem::take(&mut call.replies) {
                self.send(answer).await;
            }
            for message in told {
                self.send(message).await;
            }
            if flow == Flow::Ends {
                return End::Theirs;
            }
            if call.is_unwatched() {
                return End::Ours;
            }
        }
    }

    /// Sends, unless the other side has stopped reading. What was begun stays in the buffer, whole.
    async fn send(&mut self, message: Outgoing) {
        if self.is_deaf {
            return;
        }
        let message = match message {
            Outgoing::Text(text) => Message::Text(text.into()),
            Outgoing::Binary(bytes) => Message::Binary(bytes.into()),
        };
        self.is_deaf = !matches!(tokio::time::timeout(MAX_SEND, self.socket.send(message)).await, Ok(Ok(())));
    }
}
