//! What comes over the gateway's connections: the first byte says which protocol, then messages, each a byte for text or bytes, two
//! for the length, and the message.
#![no_main]

use veravox_gateway::protocol::{Ear, Flow, Incoming, Outgoing, Protocol, Start};
use veravox_gateway::protocol::{asterisk, audiohook, audiosocket, fork, rtp, twilio};

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

veravox_fuzz::target!(|bytes: &[u8]| {
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
});
