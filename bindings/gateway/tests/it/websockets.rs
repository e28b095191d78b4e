//! Calls by WebSockets.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use veravox_gateway::words::Status;

use super::doors::request;
use super::world::{VOICE, World, due, mulaw};

pub type Socket = WebSocketStream<TcpStream>;

/// Connects, with these headers.
pub async fn connect(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        let name = tokio_tungstenite::tungstenite::http::HeaderName::try_from(*name).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

pub fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

/// Plays messages, one for each 20 ms of the voice.
async fn play(socket: &mut Socket, n_samples: usize, message: impl Fn(usize, &[i16]) -> Vec<Message>) {
    let began = tokio::time::Instant::now();
    for (number, samples) in VOICE[..n_samples].chunks_exact(160).enumerate() {
        tokio::time::sleep_until(due(began, number)).await;
        for message in message(number, samples) {
            socket.send(message).await.unwrap();
        }
    }
}

/// What comes until the other side closes.
async fn rest(socket: &mut Socket) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(10), socket.next()).await {
        messages.push(message);
    }
    messages
}

fn linear(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[tokio::test]
async fn asterisk() {
    let mut world = World::new("").await;
    let mut socket = connect(world.http, "/v1/media/asterisk", &[("sec-websocket-protocol", "media")]).await.unwrap();
    let start = json!({ "event": "MEDIA_START", "connection_id": "gateway", "channel": "WebSocket/gateway/0x7f", "format": "ulaw" });
    socket.send(text(&start)).await.unwrap();
    play(&mut socket, 56_000, |_, samples| {
        vec![Message::binary(samples.iter().map(|s| mulaw(*s)).collect::<Vec<_>>())]
    })
    .await;
    socket.close(None).await.unwrap();
    let (info, words) = world.ended().await;
    assert_eq!(info.channel.as_deref(), Some("WebSocket/gateway/0x7f"));
    assert_eq!(words.status, Status::Synthetic, "{words:?}");
}

#[tokio::test]
async fn freeswitch_hears_of_its_verdicts_on_the_same_socket() {
    let mut world = World::new("").await;
    let path = "/v1/media/fork?rate=8000&channels=2";
    let mut socket = connect(world.http, path, &[("sec-websocket-protocol", "audio.drachtio.org")]).await.unwrap();
    socket.send(Message::text("whatever it was given")).await.unwrap();
    // The caller is silent, the machine is on the other side.
    play(&mut socket, 56_000, |_, samples| {
        vec![Message::binary(
            samples.iter().flat_map(|sample| [[0; 2], sample.to_le_bytes()]).flatten().collect::<Vec<_>>(),
        )]
    })
    .await;
    socket.close(None).await.unwrap();
    let told: Vec<Value> =
        rest(&mut socket).await.iter().filter_map(|m| serde_json::from_str(m.to_text().ok()?).ok()).collect();
    let firm = |news: &&Value| news["event"] == "verdict" && news["stage"] == "firm";
    let verdict = told.iter().find(firm).unwrap();
    assert_eq!(
        (&verdict["type"], &verdict["track"], &verdict["status"]),
        (&json!("veravox"), &json!(1), &json!("SYNTHETIC"))
    );
    let ended = world.ended_by_track(2).await;
    assert_eq!((ended[0].1.cause.as_str(), ended[1].1.status), ("no_signal,too_little_speech", Status::Synthetic));
    assert_eq!(ended[0].0.call, ended[1].0.call);
}

#[tokio::test]
async fn jambonz_is_told_when_the_gateway_stops() {
    let mut world = World::new("").await;
    let mut socket =
        connect(world.http, "/v1/media/fork", &[("sec-websocket-protocol", "audio.jambonz.org")]).await.unwrap();
    let start = json!({ "callSid": "b6f48929-8e86-4d62-ae3b-64fb574d91f6", "from": "15550100", "sampleRate": 8_000, "mixType": "mono" });
    socket.send(text(&start)).await.unwrap();
    play(&mut socket, 56_000, |_, samples| vec![Message::binary(linear(samples))]).await;
    world.gateway.stop();
    let messages = rest(&mut socket).await;
    let told: Vec<&str> = messages.iter().filter_map(|message| message.to_text().ok()).collect();
    assert!(told.iter().any(|text| text.contains(r#""event":"ended""#)), "{told:?}");
    assert!(!told.iter().any(|text| text.contains("15550100")));
    let (info, words) = world.ended().await;
    assert_eq!(
        (info.call.to_string().as_str(), words.status),
        ("b6f48929-8e86-4d62-ae3b-64fb574d91f6", Status::Synthetic)
    );
    world.stop().await;
}

#[tokio::test]
async fn stopping_waits_for_the_last_verdicts_and_the_news_end_after_them() {
    let world = World::new("").await;
    let gateway = std::sync::Arc::clone(&world.gateway);
    let news = tokio::spawn(request(world.http, "GET", "/v1/events?events=ended", &[], ""));
    let mut socket = connect(world.http, "/v1/media/fork", &[]).await.unwrap();
    play(&mut socket, 56_000, |_, samples| vec![Message::binary(linear(samples))]).await;
    world.stop().await;
    assert_eq!(gateway.hub.n_legs(), 0);
    let (status, told) = news.await.unwrap();
    assert!(status == 200 && told.contains("event: ended") && told.contains("SYNTHETIC"), "{told}");
}

#[tokio::test]
async fn twilio_has_a_leg_for_each_track() {
    let mut world = World::new("").await;
    let mut socket = connect(world.http, "/v1/media/twilio", &[]).await.unwrap();
    socket.send(text(&json!({ "event": "connected", "protocol": "Call", "version": "1.0.0" }))).await.unwrap();
    let format = json!({ "encoding": "audio/x-mulaw", "sampleRate": 8_000, "channels": 1 });
    let start =
        json!({ "tracks": ["inbound", "outbound"], "mediaFormat": format, "callSid": "CA00", "accountSid": "AC00" });
    socket
        .send(text(&json!({ "event": "start", "sequenceNumber": "1", "start": start, "streamSid": "MZ00" })))
        .await
        .unwrap();
    play(&mut socket, 56_000, |number, samples| {
        let packet = |track: &str, bytes: Vec<u8>| {
            let at = (number * 20).to_string();
            text(&json!({ "event": "media", "media": { "track": track, "timestamp": at, "payload": STANDARD.encode(bytes) } }))
        };
        vec![
            packet("inbound", samples.iter().map(|sample| mulaw(*sample)).collect()),
            packet("outbound", vec![0xff; samples.len()]),
        ]
    })
    .await;
    socket.send(text(&json!({ "event": "stop", "stop": {} }))).await.unwrap();
    let ended = world.ended_by_track(2).await;
    assert_eq!((ended[0].1.status, ended[1].1.cause.as_str()), (Status::Synthetic, "no_signal,too_little_speech"));
    rest(&mut socket).await;
}

#[tokio::test]
async fn genesys_is_answered() {
    let mut world = World::new("").await;
    let mut socket = connect(world.http, "/v1/media/audiohook", &[]).await.unwrap();
    let message = |kind: &str, seq: u64, parameters: Value| {
        text(
            &json!({ "version": "2", "id": "e160e428-53e2-487c-977d-96989bf5c99d", "type": kind, "seq": seq, "parameters": parameters }),
        )
    };
    let media = json!([{ "type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8_000 }]);
    let open = json!({ "conversationId": "090eaa2f-72fa-480a-83e0-8667ff89c0ec", "media": media });
    socket.send(message("open", 1, open)).await.unwrap();
    play(&mut socket, 56_000, |_, samples| {
        vec![Message::binary(samples.iter().flat_map(|sample| [mulaw(*sample), 0xff]).collect::<Vec<_>>())]
    })
    .await;
    socket.send(message("ping", 2, json!({}))).await.unwrap();
    socket.send(message("close", 3, json!({ "reason": "end" }))).await.unwrap();
    let kinds: Vec<Value> = rest(&mut socket)
        .await
        .iter()
        .filter_map(|m| Some(serde_json::from_str::<Value>(m.to_text().ok()?).ok()?["type"].clone()))
        .collect();
    assert_eq!(kinds, ["opened", "pong", "closed"]);
    assert_eq!(world.ended_by_track(2).await[0].1.status, Status::Synthetic);
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_watched_all_the_same() {
    let mut world = World::new("[scoring]\nupdate_seconds = 0.1\n").await;
    let mut socket = connect(world.http, "/v1/media/fork", &[]).await.unwrap();
    play(&mut socket, 64_000, |_, samples| vec![Message::binary(linear(samples))]).await;
    drop(socket);
    assert_eq!(world.ended().await.1.status, Status::Synthetic);
}
