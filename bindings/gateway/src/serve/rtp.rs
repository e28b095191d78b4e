//! Plain RTP: a port is opened for each leg by HTTP, and closed by HTTP or when nothing comes any more.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::api::problem::Problem;
use crate::call::Call;
use crate::gateway::Gateway;
use crate::hub;
use crate::id::Id;
use crate::protocol::rtp::{Codec, Rtp};
use crate::protocol::{Incoming, Protocol as _};

/// More than any packet of a call.
const MAX_PACKET: usize = 4_096;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A stream that was silent for so long may be followed by another, from another source.
const MAX_SILENCE: Duration = Duration::from_secs(5);
/// Codecs that a port may be asked to understand.
const MAX_CODECS: usize = 16;

/// The routes, which ask for the token.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new().route("/v1/rtp", post(open)).route("/v1/rtp/{id}", delete(close))
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Ask {
    /// The call, a UUID, so that its legs are found together.
    call: Option<String>,
    codecs: Vec<AskCodec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskCodec {
    /// As in SDP: `PCMU`, `PCMA`, `L16/16000`.
    name: String,
    payload_type: Option<u8>,
}

impl Default for Ask {
    fn default() -> Self {
        let named = |name: &str| AskCodec { name: name.to_owned(), payload_type: None };
        Self { call: None, codecs: vec![named("PCMU"), named("PCMA")] }
    }
}

/// What was opened.
#[derive(Debug, Serialize)]
struct Opened {
    id: Id,
    call: Id,
    address: String,
    port: u16,
    /// The same as a session description, for whoever is to send.
    sdp: String,
}

fn refused(words: &'static str) -> Response {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_argument", words).into_response()
}

async fn open(gateway: State<Arc<Gateway>>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Problem::new(rejection.status(), "too_large", rejection.body_text()).into_response(),
    };
    let ask = if body.is_empty() { Ok(Ask::default()) } else { serde_json::from_slice::<Ask>(&body) };
    let Ok(ask) = ask else {
        return refused("expected JSON with call, a UUID, and codecs, or nothing");
    };
    let call = match ask.call.as_deref().map(Id::parse) {
        Some(None) => return refused("expected call to be a UUID"),
        Some(Some(id)) => id,
        None => Id::random(),
    };
    let codecs: Option<Vec<Codec>> =
        ask.codecs.iter().map(|codec| Codec::named(&codec.name, codec.payload_type)).collect();
    let Some(codecs) = codecs.filter(|codecs| (1..=MAX_CODECS).contains(&codecs.len())) else {
        return refused("expected codecs of PCMU, PCMA or L16/RATE with its payload_type");
    };
    let Some(place) = gateway.place().filter(|_| !gateway.is_stopping()) else {
        return Problem::overloaded("as many connections are open as are let in", 5).into_response();
    };
    let Some((id, socket, closed)) = gateway.rtp_ports.open(&gateway.config.rtp).await else {
        return Problem::overloaded("no port is free", 5).into_response();
    };
    let Ok(address) = socket.local_addr() else {
        return Problem::overloaded("no port is free", 5).into_response();
    };
    let opened = Opened {
        id,
        call,
        address: address.ip().to_string(),
        port: address.port(),
        sdp: session(address, &codecs, &ask.codecs),
    };
    let gateway = gateway.0;
    tokio::spawn(async move {
        listen(&socket, Rtp::new(Some(call), codecs), &closed, &gateway).await;
        gateway.rtp_ports.close(id);
        drop(place);
    });
    (StatusCode::CREATED, Json(opened)).into_response()
}

async fn close(gateway: State<Arc<Gateway>>, id: Path<String>) -> Response {
    let closed = Id::parse(&id).is_some_and(|id| gateway.rtp_ports.close(id));
    if closed {
        StatusCode::NO_CONTENT.into_response()
    } else {
        Problem::new(StatusCode::NOT_FOUND, "no_such_port", "no port of this id is open").into_response()
    }
}

/// RFC 8866.
fn session(address: SocketAddr, codecs: &[Codec], asked: &[AskCodec]) -> String {
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    let (ip, port) = (address.ip(), address.port());
    let numbers: Vec<_> = codecs.iter().map(|codec| codec.payload_type.to_string()).collect();
    let maps = codecs.iter().zip(asked).map(|(codec, asked)| {
        let rate = if asked.name.contains('/') { "" } else { "/8000" };
        format!("a=rtpmap:{} {}{rate}\r\n", codec.payload_type, asked.name)
    });
    let maps: String = maps.collect();
    format!(
        "v=0\r\no=- 0 0 IN {family} {ip}\r\ns=veravox\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {}\r\n{maps}a=recvonly\r\n",
        numbers.join(" ")
    )
}

async fn listen(socket: &UdpSocket, mut rtp: Rtp, closed: &Notify, gateway: &Arc<Gateway>) {
    let limits = &gateway.config.limits;
    let mut call = Call::new(gateway, hub::Protocol::Rtp);
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut source = None;
    let mut heard_at = Instant::now();
    let mut stopped = std::pin::pin!(gateway.stopped());
    loop {
        tokio::select! {
            biased;
            heard = receive(socket, &mut source, &mut rtp, &mut call) => {
                if heard {
                    heard_at = Instant::now();
                    call.look(&mut |_| {});
                }
            }
            _ = ticks.tick() => {
                call.tick(&mut |_| {});
                let silent = heard_at.elapsed();
                if silent > MAX_SILENCE {
                    source = None;
                    rtp.forget_source();
                }
                if silent > limits.idle() || call.age() > limits.call() {
                    break;
                }
            }
            () = closed.notified() => break,
            () = &mut stopped => break,
        }
    }
    call.finish(&mut |_| {}).await;
}

/// Waits for a packet and hears it. Says whether it was one of the leg's own source, which is that of the first that was heard.
async fn receive(socket: &UdpSocket, source: &mut Option<SocketAddr>, rtp: &mut Rtp, call: &mut Call) -> bool {
    std::future::poll_fn(|context| {
        let mut bytes = [0; MAX_PACKET];
        let mut buffer = ReadBuf::new(&mut bytes);
        let Ok(from) = ready!(socket.poll_recv_from(context, &mut buffer)) else {
            // An answer of nobody's to what was never sent.
            return Poll::Ready(false);
        };
        if source.is_some_and(|source| source != from) {
            rtp.n_strange += 1;
            return Poll::Ready(false);
        }
        let before = rtp.n_strange;
        let heard = rtp.hear(Incoming::Binary(buffer.filled()), call).is_ok() && rtp.n_strange == before;
        if heard && call.has_begun() {
            *source = Some(from);
        }
        Poll::Ready(heard)
    })
    .await
}
