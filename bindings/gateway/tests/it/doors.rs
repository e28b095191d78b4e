//! Who is let in: tokens, signatures, TLS, and how much of everything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use veravox_gateway::words::Status;

use super::asterisk::{Asterisk, Fate, Says};
use super::websockets::connect;
use super::world::{VOICE, World};

/// One request over a connection of its own: status and body.
pub async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    exchange(TcpStream::connect(address).await.unwrap(), method, path, headers, body).await
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all((head + body).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A peer of TLS that ends without saying so has ended all the same.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn nobody_enters_without_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let config = format!(
        "[http]\ntoken_file = {:?}\n[twilio]\nauth_token_file = {:?}\nurl = \"wss://example.org/v1/media/twilio\"\n[audiohook]\napi_key_file = {:?}\n",
        file("token", "s3cret\n"),
        file("twilio", "12345\n"),
        file("genesys", "k3y\n"),
    );
    let world = World::new(&config).await;
    assert_eq!(request(world.http, "GET", "/healthz", &[], "").await.0, 200);
    for path in ["/v1/media/asterisk", "/v1/media/fork", "/v1/media/twilio", "/v1/media/audiohook"] {
        assert_eq!(connect(world.http, path, &[]).await.err(), Some(401), "{path}");
        assert_eq!(connect(world.http, path, &[("authorization", "Bearer wrong")]).await.err(), Some(401), "{path}");
    }
    assert_eq!(request(world.http, "POST", "/v1/rtp", &[], "").await.0, 401);
    assert_eq!(request(world.http, "POST", "/v1/rtp", &[("authorization", "Bearer s3cret")], "").await.0, 201);
    assert!(connect(world.http, "/v1/media/asterisk?token=s3cret", &[]).await.is_ok());
    assert!(connect(world.http, "/v1/media/fork", &[("authorization", "Basic dXNlcjpzM2NyZXQ=")]).await.is_ok());
    // Twilio and Genesys have means of their own; the token does not replace them.
    let signature = ("x-twilio-signature", "fvh6kfpxGLmQNv/BkqCO62u9sT0=");
    assert!(connect(world.http, "/v1/media/twilio", &[signature]).await.is_ok());
    assert_eq!(connect(world.http, "/v1/media/twilio?token=s3cret", &[]).await.err(), Some(401));
    assert!(connect(world.http, "/v1/media/audiohook", &[("x-api-key", "k3y")]).await.is_ok());
    assert!(world.gateway.hub.counters().failed_handshakes.load(std::sync::atomic::Ordering::Relaxed) >= 10);
}

#[tokio::test]
async fn a_page_of_another_site_opens_nothing() {
    let world = World::new("[http]\nallowed_origins = [\"https://phone.example\"]\n").await;
    let own = format!("http://{}", world.http);
    for path in ["/v1/media/asterisk", "/v1/media/fork", "/v1/media/twilio", "/v1/media/audiohook"] {
        for elsewhere in ["http://evil.example", "http://127.0.0.1:3000", "null"] {
            assert_eq!(
                connect(world.http, path, &[("origin", elsewhere)]).await.err(),
                Some(403),
                "{path} {elsewhere}"
            );
        }
        assert!(connect(world.http, path, &[("origin", &own)]).await.is_ok(), "{path}");
        assert!(connect(world.http, path, &[("origin", "https://phone.example")]).await.is_ok(), "{path}");
    }
    for (method, path) in [("POST", "/v1/rtp"), ("POST", "/v1/scan"), ("POST", "/login"), ("POST", "/logout")] {
        let (status, answer) = request(world.http, method, path, &[("origin", "http://evil.example")], "").await;
        assert_eq!((status, &json(&answer)["kind"]), (403, &"other_site".into()), "{path}");
    }
    assert_eq!(request(world.http, "POST", "/v1/rtp", &[("origin", "https://phone.example")], "").await.0, 201);
    assert_eq!(world.gateway.hub.n_legs(), 0);
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_why_as_a_problem() {
    let world = World::new("").await;
    for (path, status) in [("/v1/media/fork?rate=much", 400), ("/v1/media/asterisk", 400)] {
        let (found, answer) = request(world.http, "GET", path, &[], "").await;
        assert_eq!((found, &json(&answer)["kind"]), (status, &"invalid_argument".into()), "{path}");
    }
    let (status, answer) = request(world.http, "POST", "/v1/rtp", &[], &"x".repeat(3 << 20)).await;
    assert_eq!((status, &json(&answer)["kind"]), (413, &"too_large".into()));
}

#[tokio::test]
async fn tls_is_spoken_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let config =
        format!("[http]\ntls_certificate = {certificate:?}\ntls_key = {key:?}\n[limits]\nhandshake_seconds = 1.0\n");
    let world = World::new(&config).await;

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(world.http).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    assert_eq!(exchange(stream, "GET", "/healthz", &[], "").await, (200, "ok\n".to_owned()));

    let mut plain = TcpStream::connect(world.http).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    // One that says nothing at all is not waited for.
    let mut silent = TcpStream::connect(world.http).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(5), silent.read(&mut [0; 1])).await;
    assert_eq!(read.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_message_of_a_gigabyte_is_not_waited_for() {
    let mut world = World::new("").await;
    let mut socket = connect(world.http, "/v1/media/fork", &[]).await.unwrap();
    socket.send(Message::binary(vec![0; 320])).await.unwrap();
    world.until_open(1).await;
    // The head of a frame that announces it, masked, and its beginning.
    let mut frame = vec![0x82, 0xff];
    frame.extend((1_u64 << 30).to_be_bytes());
    frame.extend([0; 4 + 4_096]);
    socket.get_mut().write_all(&frame).await.unwrap();
    let (_, words) = world.ended().await;
    assert_eq!(words.status, Status::NotSure, "{words:?}");
    assert!(tokio::time::timeout(Duration::from_secs(5), socket.next()).await.is_ok());
}

#[tokio::test]
async fn what_is_not_the_protocol_is_told_in_the_close_frame() {
    let mut world = World::new("").await;
    let mut socket = connect(world.http, "/v1/media/asterisk", &[]).await.unwrap();
    socket.send(Message::text("MEDIA_START connection_id:x channel:y format:opus")).await.unwrap();
    let Some(Ok(Message::Text(farewell))) = socket.next().await else { panic!("no farewell") };
    assert_eq!(farewell.as_str(), "HANGUP");
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("no close frame") };
    assert!(frame.code == CloseCode::Protocol && frame.reason.contains("c(slin)"), "{frame}");
    let mut socket = connect(world.http, "/v1/media/twilio", &[]).await.unwrap();
    socket.send(Message::binary(vec![1])).await.unwrap();
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
    assert_eq!(world.gateway.hub.n_legs(), 0);
    world.gateway.stop();
    assert!(tokio::time::timeout(Duration::from_millis(50), world.ended()).await.is_err());
}

#[tokio::test]
async fn connections_too_many_are_closed_at_once() {
    let mut world = World::new("[limits]\nconnections = 1\n").await;
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    world.until_open(1).await;
    for address in [world.audiosocket, world.http] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    }
    // The one that is there goes on, and its place is free afterwards.
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE[..16_000])]).await, Fate::Left);
    drop(asterisk);
    world.ended().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(request(world.http, "GET", "/healthz", &[], "").await.0, 200);
}
