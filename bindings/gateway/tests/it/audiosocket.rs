//! Calls by `AudioSocket`, with the other side as Asterisk is it.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use veravox_gateway::id::Id;
use veravox_gateway::words::{Status, Words};

use super::asterisk::{Asterisk, Fate, Says};
use super::world::{VOICE, World, mulaw};

fn is_machine(words: &Words) -> bool {
    words.status == Status::Synthetic && words.score.is_some_and(|llr| llr > 0.0) && words.speech_ms > 3_000
}

fn said(words: &Words) -> (Status, &str) {
    (words.status, words.cause.as_str())
}

#[tokio::test]
async fn a_machine_is_recognised_and_its_call_goes_on() {
    let mut world = World::new("").await;
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    // A short last frame, and a caller who hangs up: Asterisk closes its side and says no more.
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE[..60_007])]).await, Fate::Left);
    drop(asterisk);
    let (info, words) = world.ended().await;
    assert_eq!(info.call, Id::from_bytes([9; 16]));
    assert!(is_machine(&words), "{words:?}");
    assert_eq!(world.gateway.hub.n_legs(), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_firm_verdict_gives_the_call_back_to_the_dialplan() {
    let mut world = World::new("[audiosocket]\nrelease = \"firm\"\n").await;
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE), Says::Waits]).await, Fate::GoesOn { by_frame: true });
    assert!(is_machine(&world.ended().await.1));
}

#[tokio::test]
async fn a_caller_who_sends_nothing_is_kept_by_frames_of_silence() {
    let mut world = World::new("").await;
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    assert_eq!(asterisk.call(&[Says::Nothing(Duration::from_millis(2_600))]).await, Fate::Left);
    // One every half second, on a machine that has the time for it; two keep a call for as long.
    assert!((2..=6).contains(&asterisk.n_frames), "{}", asterisk.n_frames);
    drop(asterisk);
    assert_eq!(said(&world.ended().await.1), (Status::NotSure, "no_signal,too_little_speech"));
    let mut none = World::new("[audiosocket]\nsilence_every_ms = 0\n").await;
    let mut asterisk = Asterisk::dial(none.audiosocket, [9; 16]).await;
    assert_eq!(asterisk.call(&[Says::Waits]).await, Fate::HungUp("two seconds without a frame"));
    drop(asterisk);
    none.ended().await;
}

#[tokio::test]
async fn a_call_too_many_is_an_error_and_goes_on() {
    let mut world = World::new("[scoring]\nmax_legs = 1\n").await;
    let mut first = Asterisk::dial(world.audiosocket, [1; 16]).await;
    world.until_open(1).await;
    let mut second = Asterisk::dial(world.audiosocket, [2; 16]).await;
    assert_eq!(second.call(&[Says::Audio(&VOICE)]).await, Fate::GoesOn { by_frame: true });
    let (info, words) = world.ended().await;
    assert_eq!((info.call, said(&words)), (Id::from_bytes([2; 16]), (Status::Error, "overloaded")));
    assert_eq!(first.call(&[Says::Audio(&VOICE[..8_000])]).await, Fate::Left);
}

#[tokio::test]
async fn without_a_model_calls_go_on_and_say_so() {
    let mut world = World::new("[scoring]\nmodel = \"/nowhere/at/all\"\n").await;
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE)]).await, Fate::GoesOn { by_frame: true });
    assert_eq!(said(&world.ended().await.1), (Status::Error, "model"));
}

#[tokio::test]
async fn stopping_ends_calls_with_their_verdicts() {
    let mut world = World::new("").await;
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE[..60_000])]).await, Fate::Left);
    world.gateway.stop();
    // Audio that is still under way is read, and the caller is not hung up by it.
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE[60_000..])]).await, Fate::GoesOn { by_frame: true });
    assert!(is_machine(&world.ended().await.1));
    drop(asterisk);
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_frame_ends_the_call_by_the_protocol() {
    let mut world = World::new("").await;
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    let garbage = Says::Bytes(b"GET / HTTP/1.1\r\n\r\n".repeat(50));
    assert_eq!(
        asterisk.call(&[Says::Audio(&VOICE[..4_000]), garbage, Says::Waits]).await,
        Fate::GoesOn { by_frame: true }
    );
    assert_eq!(said(&world.ended().await.1), (Status::Error, "protocol"));
    // Without a call there is no leg.
    let mut stream = TcpStream::connect(world.audiosocket).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, [0, 0, 0]);
    assert_eq!(world.gateway.hub.n_legs(), 0);
}

#[tokio::test]
async fn mu_law_under_the_label_of_linear_is_misread_and_says_so() {
    let mut world = World::new("").await;
    let bytes: Vec<u8> = VOICE.iter().map(|sample| mulaw(*sample)).collect();
    // Frames of 160 bytes, that are 80 samples of nothing.
    let samples: Vec<i16> = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    assert_eq!(asterisk.call(&[Says::Audio(&samples)]).await, Fate::Left);
    drop(asterisk);
    let (_, words) = world.ended().await;
    assert!(words.status == Status::NotSure && words.cause.contains("misread"), "{words:?}");
}

#[tokio::test]
async fn the_first_audio_tells_the_rate_and_the_model() {
    let mut world = World::new("").await;
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    world.until_open(1).await;
    assert_eq!(world.gateway.hub.legs()[0].info.sample_rate_hz, 8_000);
    // 16 kHz, of a caller who says nothing at first.
    let frame = [&[0x12, 2, 0x80][..], &[0; 640]].concat();
    assert_eq!(
        asterisk.call(&[Says::Nothing(Duration::from_millis(1_100)), Says::Bytes(frame.repeat(10))]).await,
        Fate::Left
    );
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if world.gateway.hub.legs()[0].info.sample_rate_hz == 16_000 {
            break;
        }
    }
    drop(asterisk);
    let (info, words) = world.ended().await;
    assert_eq!((info.sample_rate_hz, words.status), (16_000, Status::NotSure));
    let detector = world.gateway.scorer.engine().unwrap().detector().clone();
    assert_eq!(words.thresholds, Some(detector.thresholds(16_000)));
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let config = "[limits]\nhandshake_seconds = 0.5\nidle_seconds = 1.5\n";
    let mut world = World::new(config).await;
    let mut nobody = TcpStream::connect(world.audiosocket).await.unwrap();
    assert_eq!(nobody.read(&mut [0; 1]).await.unwrap(), 0);
    // A peer that vanished: no byte, no end.
    let mut asterisk = Asterisk::dial(world.audiosocket, [9; 16]).await;
    assert_eq!(asterisk.call(&[Says::Audio(&VOICE[..60_000]), Says::Waits]).await, Fate::GoesOn { by_frame: true });
    assert!(is_machine(&world.ended().await.1));
}
