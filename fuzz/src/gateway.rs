//! What comes over the gateway's connections.

use veravox_gateway::protocol::{Ear, Flow, Incoming, Outgoing, Protocol, Start};
use veravox_gateway::protocol::{asterisk, audiohook, audiosocket, fork, rtp, twilio};

use crate::seed::Seed;

/// Holds a protocol to what every ear may rely on.
#[derive(Default)]
struct Listener {
    tracks: usize,
}

impl Ear for Listener {
    fn begin(&mut self, start: Start) {
        assert!(self.tracks == 0 && (1..=2).contains(&start.tracks) && start.sample_rate_hz > 0);
        self.tracks = start.tracks;
    }
    fn push(&mut self, track: usize, _: &[i16]) {
        assert!(track < self.tracks);
    }
    fn lost(&mut self, track: usize, _: u64) {
        assert!(track < self.tracks);
    }
    fn silence(&mut self, track: usize, _: u64) {
        assert!(track < self.tracks);
    }
    fn hold(&mut self, _: bool) {
        assert!(self.tracks > 0);
    }
    fn change_rate(&mut self, sample_rate_hz: u32) {
        assert!(self.tracks > 0 && sample_rate_hz > 0);
    }
    fn reply(&mut self, answer: Outgoing) {
        match answer {
            Outgoing::Text(text) => assert!(!text.is_empty()),
            Outgoing::Binary(bytes) => assert!(!bytes.is_empty()),
        }
    }
}

fn protocol(which: u8) -> Box<dyn Protocol> {
    match which % 6 {
        0 => Box::new(audiosocket::AudioSocket::default()),
        1 => Box::new(asterisk::Asterisk::default()),
        2 => Box::new(fork::Fork::new(fork::Told::default())),
        3 => Box::new(twilio::Twilio::default()),
        4 => Box::new(audiohook::AudioHook::default()),
        _ => {
            let codecs = [("PCMU", None), ("PCMA", None), ("L16/16000", Some(96))];
            Box::new(rtp::Rtp::new(
                None,
                codecs.into_iter().filter_map(|(name, n)| rtp::Codec::named(name, n)).collect(),
            ))
        }
    }
}

/// The first byte says which protocol; then come messages, each a byte for text or bytes, two for the length, and the message.
pub fn gateway(bytes: &[u8]) {
    let Some((which, mut rest)) = bytes.split_first() else { return };
    let (mut protocol, mut ear) = (protocol(*which), Listener::default());
    while let &[kind, high, low, ref behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (message, behind) = behind.split_at(length.min(behind.len()));
        rest = behind;
        let incoming = match std::str::from_utf8(message) {
            Ok(text) if kind % 2 == 1 => Incoming::Text(text),
            _ => Incoming::Binary(message),
        };
        if protocol.hear(incoming, &mut ear) != Ok(Flow::GoesOn) {
            return;
        }
    }
}

/// A short call in each protocol.
pub fn seeds() -> Vec<Seed> {
    let audio = || binary(b"\x7f\xff\x80\x00");
    let calls = [
        (
            "audiosocket",
            vec![
                binary(b"\x01\x00\x10aaaabbbbccccdddd"),
                binary(b"\x10\x00\x04\x01\x02\x03\x04"),
                binary(b"\x00\x00\x00"),
            ],
        ),
        (
            "asterisk",
            vec![
                text(
                    r#"{"event":"MEDIA_START","connection_id":"a","channel":"b","format":"ulaw","optimal_frame_size":160,"ptime":20}"#,
                ),
                audio(),
            ],
        ),
        ("fork", vec![text(r#"{"callId":"a","sampleRate":8000,"mixType":"stereo"}"#), audio(), audio()]),
        (
            "twilio",
            vec![
                text(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#),
                text(
                    r#"{"event":"start","streamSid":"MZ1","start":{"tracks":["inbound","outbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#,
                ),
                text(
                    r#"{"event":"media","media":{"track":"inbound","chunk":"1","timestamp":"20","payload":"f39/fw=="}}"#,
                ),
                text(r#"{"event":"stop"}"#),
            ],
        ),
        (
            "audiohook",
            vec![
                text(
                    r#"{"version":"2","type":"open","seq":1,"serverseq":0,"id":"a","position":"PT0S","parameters":{"media":[{"type":"audio","format":"PCMU","channels":["external","internal"],"rate":8000}]}}"#,
                ),
                audio(),
                text(
                    r#"{"version":"2","type":"close","seq":2,"serverseq":1,"id":"a","position":"PT1S","parameters":{"reason":"end"}}"#,
                ),
            ],
        ),
        (
            "rtp",
            vec![
                binary(b"\x80\x00\x00\x01\x00\x00\x00\xa0\x11\x22\x33\x44\x7f\xff\x80\x00"),
                binary(b"\x80\x00\x00\x03\x00\x00\x01\x40\x11\x22\x33\x44\x7f\xff\x80\x00"),
            ],
        ),
    ];
    let told =
        |(n, (name, messages)): (u8, (&str, Vec<Vec<u8>>))| (name.to_owned(), [vec![n], messages.concat()].concat());
    (0..).zip(calls).map(told).collect()
}

fn text(message: &str) -> Vec<u8> {
    framed(1, message.as_bytes())
}

fn binary(message: &[u8]) -> Vec<u8> {
    framed(0, message)
}

fn framed(kind: u8, message: &[u8]) -> Vec<u8> {
    let [high, low] = (message.len() as u16).to_be_bytes();
    [&[kind, high, low], message].concat()
}
