//! Calls by plain RTP.

use tokio::net::UdpSocket;
use veravox_gateway::words::Status;

use super::doors::{json, request};
use super::world::{VOICE, World, due, mulaw};

#[tokio::test]
async fn a_port_is_opened_heard_and_closed() {
    let mut world = World::new("[rtp]\nports = [45000, 45998]\n").await;
    let body = r#"{"call":"5f6c3f4e-0a47-4e0c-9c3e-3bb2c5d6e7f8"}"#;
    let (status, answer) = request(world.http, "POST", "/v1/rtp", &[], body).await;
    let opened = json(&answer);
    assert_eq!((status, &opened["call"]), (201, &"5f6c3f4e-0a47-4e0c-9c3e-3bb2c5d6e7f8".into()));
    let port = opened["port"].as_u64().unwrap();
    assert!(opened["sdp"].as_str().unwrap().contains(&format!("m=audio {port} RTP/AVP 0 8\r\n")), "{opened}");

    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(("127.0.0.1", port as u16)).await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    stranger.connect(("127.0.0.1", port as u16)).await.unwrap();
    let began = tokio::time::Instant::now();
    for (number, samples) in VOICE[..64_000].chunks(160).enumerate() {
        tokio::time::sleep_until(due(began, number)).await;
        let mut packet = vec![0x80, 0];
        packet.extend((number as u16).to_be_bytes());
        packet.extend((number as u32 * 160).to_be_bytes());
        packet.extend([0, 0, 0, 7]);
        packet.extend(samples.iter().map(|sample| mulaw(*sample)));
        // One in a hundred is lost; another source is not listened to.
        if number % 100 != 50 {
            socket.send(&packet).await.unwrap();
        }
        if number == 20 {
            stranger.send(&packet).await.unwrap();
        }
    }
    let path = format!("/v1/rtp/{}", opened["id"].as_str().unwrap());
    assert_eq!(request(world.http, "DELETE", &path, &[], "").await.0, 204);
    assert_eq!(request(world.http, "DELETE", &path, &[], "").await.0, 404);
    let (info, words) = world.ended().await;
    assert_eq!(info.call.to_string(), "5f6c3f4e-0a47-4e0c-9c3e-3bb2c5d6e7f8");
    assert!(words.status == Status::Synthetic && words.speech_ms > 5_000, "{words:?}");
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_as_a_problem() {
    let world = World::new("[rtp]\nports = [46000, 46000]\n").await;
    for body in ["[", r#"{"call":"+15550100"}"#, r#"{"codecs":[{"name":"G729"}]}"#, r#"{"codecs":[]}"#, r#"{"x":1}"#] {
        let (status, answer) = request(world.http, "POST", "/v1/rtp", &[], body).await;
        assert_eq!((status, json(&answer)["status"].as_u64()), (400, Some(400)), "{body}");
    }
    assert_eq!(request(world.http, "POST", "/v1/rtp", &[], "").await.0, 201);
    assert_eq!(request(world.http, "POST", "/v1/rtp", &[], "").await.0, 503);
}
