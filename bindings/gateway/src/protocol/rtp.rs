//! Plain RTP (RFC 3550) with G.711 or L16 (RFC 3551), one leg a port.
//!
//! The first packet that makes sense decides whose stream it is: others, by their source's number (SSRC), are passed over until
//! the stream was silent for a while. Packets that come out of order are put back into it; what never came is told as lost, and
//! what was not sent, since its side was silent, as silence: there the timestamps go on and the numbers do not.

use super::pcm::Encoding;
use super::{Broken, Ear, Flow, Incoming, Protocol, Start};
use crate::hub;
use crate::id::Id;
use veravox::g711::Law;
use veravox::rtp::{Order, Packet};

/// Samples a hole may have: a minute at 48 kHz. A timestamp further on is of another beginning.
const MAX_HOLE: u32 = 60 * 48_000;
/// Comfort noise (RFC 3389).
const COMFORT_NOISE: u8 = 13;

/// What a payload type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    /// How samples are written.
    pub encoding: Encoding,
    /// Samples a second.
    pub sample_rate_hz: u32,
    /// The number that packets have; that of RFC 3551 for G.711.
    pub payload_type: u8,
}

impl Codec {
    /// By the name that it has in SDP: `PCMU`, `PCMA`, `L16/16000`.
    #[must_use]
    pub fn named(name: &str, payload_type: Option<u8>) -> Option<Self> {
        let (encoding, sample_rate_hz, usual) = match name {
            "PCMU" | "PCMU/8000" => (Encoding::G711(Law::Mu), 8_000, Some(0)),
            "PCMA" | "PCMA/8000" => (Encoding::G711(Law::A), 8_000, Some(8)),
            _ => {
                let rate = name.strip_prefix("L16/")?.parse().ok()?;
                ((4_000..=192_000).contains(&rate)).then_some((Encoding::L16Be, rate, None))?
            }
        };
        let payload_type = payload_type.or(usual).filter(|number| *number < 128)?;
        Some(Self { encoding, sample_rate_hz, payload_type })
    }
}

/// The stream of one port.
pub struct Rtp {
    call: Option<Id>,
    stream: Option<Stream>,
    timeline: Timeline,
    has_begun: bool,
    /// Packets that were passed over: of other streams, or none of RTP.
    pub n_strange: u64,
}

struct Stream {
    ssrc: u32,
    order: Order<Packet>,
}

/// What the packets mean, one after the other.
struct Timeline {
    codecs: Vec<Codec>,
    sample_rate_hz: u32,
    /// The timestamp that follows on what came.
    expected: Option<u32>,
    /// Since then packets went missing.
    is_missing: bool,
}

impl Rtp {
    /// A port for a call, that understands these codecs. The leg begins at the rate of the first.
    #[must_use]
    pub fn new(call: Option<Id>, codecs: Vec<Codec>) -> Self {
        let sample_rate_hz = codecs.first().map_or(8_000, |codec| codec.sample_rate_hz);
        let timeline = Timeline { codecs, sample_rate_hz, expected: None, is_missing: false };
        Self { call, stream: None, timeline, has_begun: false, n_strange: 0 }
    }

    /// The stream was silent for long: whoever speaks next is listened to.
    pub fn forget_source(&mut self) {
        self.stream = None;
    }

    fn packet(&mut self, packet: Packet, ear: &mut dyn Ear) {
        let Self { stream, timeline, .. } = self;
        let is_theirs = stream.as_ref().is_some_and(|stream| stream.ssrc != packet.ssrc);
        // Comfort noise does not begin a stream, nor does it speak against one.
        let begins = stream.is_some() || timeline.codec(packet.payload_type).is_some();
        if is_theirs || !begins {
            self.n_strange += u64::from(is_theirs || packet.payload_type != COMFORT_NOISE);
            return;
        }
        if !self.has_begun {
            self.has_begun = true;
            ear.begin(Start { call: self.call, channel: None, tracks: 1, sample_rate_hz: timeline.sample_rate_hz });
        }
        let stream = stream.get_or_insert_with(|| Stream { ssrc: packet.ssrc, order: Order::live() });
        let take = &mut |packet, n_missing| timeline.take(&packet, n_missing, ear);
        stream.order.push(packet.sequence, packet, take);
    }
}

impl Timeline {
    fn codec(&self, payload_type: u8) -> Option<Codec> {
        self.codecs.iter().find(|codec| codec.payload_type == payload_type).copied()
    }

    /// Takes the next packet of the stream, before which so many are missing; none where the stream begins, for the first time or anew:
    /// how much lies between is not known.
    fn take(&mut self, packet: &Packet, n_missing: Option<u16>, ear: &mut dyn Ear) {
        if n_missing.is_none() {
            (self.expected, self.is_missing) = (None, false);
        }
        self.is_missing |= n_missing > Some(0);
        // Comfort noise stands for samples that are not sent, digits for nothing: the next timestamp tells.
        let Some(codec) = self.codec(packet.payload_type) else { return };
        let hole = self.expected.map_or(0, |expected| packet.timestamp.wrapping_sub(expected));
        let is_missing = std::mem::take(&mut self.is_missing);
        if (1..=MAX_HOLE).contains(&hole) {
            if is_missing {
                ear.lost(0, hole.into());
            } else {
                ear.silence(0, hole.into());
            }
        }
        if self.sample_rate_hz != codec.sample_rate_hz {
            self.sample_rate_hz = codec.sample_rate_hz;
            ear.change_rate(codec.sample_rate_hz);
        }
        codec.encoding.push(&packet.payload, 0, 1, ear);
        let n_samples = (packet.payload.len() / codec.encoding.width()) as u32;
        self.expected = Some(packet.timestamp.wrapping_add(n_samples));
    }
}

impl Protocol for Rtp {
    fn kind(&self) -> hub::Protocol {
        hub::Protocol::Rtp
    }

    /// Takes a datagram. One that is no packet is passed over: anybody can send one.
    fn hear(&mut self, message: Incoming<'_>, ear: &mut dyn Ear) -> Result<Flow, Broken> {
        match message {
            Incoming::Binary(bytes) => match Packet::parse(bytes) {
                Some(packet) => self.packet(packet, ear),
                None => self.n_strange += 1,
            },
            Incoming::Text(_) => return Err(Broken("expected a packet")),
        }
        Ok(Flow::GoesOn)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Notes, survives};
    use super::*;

    fn packet(ssrc: u32, payload_type: u8, number: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80, payload_type];
        bytes.extend(number.to_be_bytes());
        bytes.extend(timestamp.to_be_bytes());
        bytes.extend(ssrc.to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn port() -> Rtp {
        Rtp::new(None, vec![Codec::named("PCMU", None).unwrap(), Codec::named("L16/16000", Some(96)).unwrap()])
    }

    fn heard(packets: &[Vec<u8>]) -> (Notes, Rtp) {
        let (mut rtp, mut notes) = (port(), Notes::default());
        for packet in packets {
            assert_eq!(rtp.hear(Incoming::Binary(packet), &mut notes), Ok(Flow::GoesOn));
        }
        (notes, rtp)
    }

    /// Number `n` of a stream whose samples are all of one value, and whose numbers and timestamps wrap.
    fn nth(n: u16) -> Vec<u8> {
        packet(7, 0, n.wrapping_sub(3), u32::from(n).wrapping_sub(2) * 160, &[0x80 + n as u8; 160])
    }

    #[test]
    fn packets_out_of_order_are_put_into_it() {
        let sample = |n: u16| Law::Mu.sample(0x80 + n as u8);
        let (notes, _) = heard(&[nth(0), nth(2), nth(1), nth(1), nth(3)]);
        let expected: Vec<_> = (0..4).flat_map(|n| [sample(n); 160]).collect();
        assert_eq!((&notes.tracks[0], notes.gaps.as_slice()), (&expected, &[][..]));
    }

    #[test]
    fn what_never_came_is_lost_and_what_was_not_sent_is_silence() {
        let packets: Vec<_> = (0..20).filter(|n| *n != 4 && *n != 5).map(nth).collect();
        let (notes, _) = heard(&packets);
        assert_eq!((notes.gaps.as_slice(), notes.tracks[0].len()), (&[(0, "lost", 320)][..], 18 * 160));
        let spoken =
            [packet(7, 0, 1, 0, &[0xff; 160]), packet(7, 13, 2, 160, &[60]), packet(7, 0, 3, 1_760, &[0xff; 160])];
        assert_eq!(heard(&spoken).0.gaps, [(0, "silence", 1_600)]);
    }

    #[test]
    fn digits_are_no_audio_and_hide_no_loss() {
        let audio = |number, timestamp| packet(7, 0, number, timestamp, &[0xff; 160]);
        let digit = |number| packet(7, 101, number, 160, &[1, 0x8a, 0, 160]);
        // A key of 40 ms, in three packets of one timestamp.
        let pressed = [audio(1, 0), digit(2), digit(3), digit(4), audio(5, 480)];
        assert_eq!(heard(&pressed).0.gaps, [(0, "silence", 320)]);
        let mut damaged = vec![audio(1, 0), digit(3)];
        damaged.extend((0..8).map(|n| audio(4 + n, 320 + 160 * u32::from(n))));
        assert_eq!(heard(&damaged).0.gaps, [(0, "lost", 160)]);
        assert_eq!((heard(&[digit(1)]).1.n_strange, heard(&[packet(7, 13, 1, 0, &[60])]).1.n_strange), (1, 0));
    }

    #[test]
    fn a_stream_that_begins_anew_has_no_hole() {
        let anew = |n: u16| packet(7, 0, 30_000 + n, 9_000 + 160 * u32::from(n), &[0xff; 160]);
        let (notes, rtp) = heard(&[nth(0), nth(1), anew(0), anew(1), anew(2)]);
        assert_eq!((notes.tracks[0].len(), notes.gaps.len(), rtp.n_strange), (4 * 160, 0, 0));
    }

    #[test]
    fn another_source_is_passed_over_until_the_first_is_silent() {
        let (mut notes, mut rtp) = heard(&[nth(0), packet(8, 0, 9, 9, &[0x80; 160]), vec![0x80; 5], vec![0; 40]]);
        assert_eq!((notes.tracks[0].len(), rtp.n_strange), (160, 3));
        rtp.forget_source();
        rtp.hear(Incoming::Binary(&packet(8, 0, 9, 9, &[0x80; 160])), &mut notes).unwrap();
        assert_eq!((notes.tracks[0].len(), notes.gaps.len()), (320, 0));
    }

    #[test]
    fn head_and_padding_are_not_audio() {
        let mut bytes = packet(7, 0, 1, 0, &[0, 0, 0, 9, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 0xff, 0xff, 0, 0, 3]);
        bytes[0] = 0x80 | 0x20 | 0x10 | 1;
        assert_eq!(heard(&[bytes]).0.tracks, [[0, 0]]);
        // RTCP on the same port.
        assert!(heard(&[packet(7, 200, 1, 0, &[0; 40])]).0.start.is_none());
    }

    #[test]
    fn a_payload_type_changes_the_rate() {
        let (notes, _) = heard(&[nth(0), packet(7, 96, 1u16.wrapping_sub(3), 160u32.wrapping_sub(320), &[1, 2])]);
        assert_eq!((notes.rates, notes.tracks[0][160..].to_vec()), (vec![16_000], vec![0x0102]));
        assert_eq!(Codec::named("G722", Some(9)), None);
        assert_eq!(Codec::named("L16/16000", None), None);
    }

    #[test]
    fn anything_may_come() {
        let (first, second) = (nth(0), packet(7, 96, 5, 0, &[1; 100]));
        survives(|| Box::new(port()), &[Incoming::Binary(&first), Incoming::Binary(&second)]);
    }
}
