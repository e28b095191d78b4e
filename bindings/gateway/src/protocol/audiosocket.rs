//! Asterisk's `AudioSocket`: frames of a byte for the kind, two for the length, high byte first, and the payload.
//!
//! Asterisk says the call's UUID first, then audio as it comes, and ends by closing its side. Frames may be of any length: the
//! last one before a pause is short. Audio of a law that was not translated comes under the kind of 8 kHz linear; the library
//! finds that it was misread, and says so instead of a verdict.

use super::pcm::Encoding;
use super::{Broken, Ear, Flow, Incoming, Outgoing, Protocol, Start};
use crate::hub;
use crate::id::Id;

const HANG_UP: u8 = 0x00;
const UUID: u8 = 0x01;
/// Of versions before 2019; never sent by Asterisk.
const SILENCE: u8 = 0x02;
const DTMF: u8 = 0x03;
const ERROR: u8 = 0xff;

/// The frame that ends a call.
pub const HANG_UP_FRAME: [u8; 3] = [HANG_UP, 0, 0];

/// 20 ms of silence at 8 kHz, which every channel understands.
pub const SILENCE_FRAME: [u8; 323] = {
    let mut frame = [0; 323];
    (frame[0], frame[1], frame[2]) = (0x10, 1, 0x40);
    frame
};

/// The rate of a kind of audio.
fn rate(kind: u8) -> Option<u32> {
    Some(match kind {
        0x10 => 8_000,
        0x11 => 12_000,
        0x12 => 16_000,
        0x13 => 24_000,
        0x14 => 32_000,
        0x15 => 44_100,
        0x16 => 48_000,
        0x17 => 96_000,
        0x18 => 192_000,
        _ => return None,
    })
}

/// The protocol, over one connection.
#[derive(Default)]
pub struct AudioSocket {
    /// The beginning of a frame whose rest has not come.
    begun: Vec<u8>,
    call: Option<Id>,
    /// Of the audio so far; none before any.
    sample_rate_hz: Option<u32>,
}

impl Protocol for AudioSocket {
    fn kind(&self) -> hub::Protocol {
        hub::Protocol::AudioSocket
    }

    fn hear(&mut self, message: Incoming<'_>, ear: &mut dyn Ear) -> Result<Flow, Broken> {
        let Incoming::Binary(bytes) = message else { return Err(Broken("expected bytes")) };
        if self.begun.is_empty() {
            let (flow, rest) = self.frames(bytes, ear)?;
            self.begun.extend_from_slice(rest);
            return Ok(flow);
        }
        let mut begun = std::mem::take(&mut self.begun);
        begun.extend_from_slice(bytes);
        let (flow, rest) = self.frames(&begun, ear)?;
        let used = begun.len() - rest.len();
        begun.drain(..used);
        self.begun = begun;
        Ok(flow)
    }

    fn farewell(&mut self) -> Option<Outgoing> {
        Some(Outgoing::Binary(HANG_UP_FRAME.to_vec()))
    }
}

impl AudioSocket {
    /// Bytes of a frame whose rest has not come.
    #[must_use]
    pub fn n_begun(&self) -> usize {
        self.begun.len()
    }

    /// Takes whole frames; gives what is left.
    fn frames<'a>(&mut self, mut bytes: &'a [u8], ear: &mut dyn Ear) -> Result<(Flow, &'a [u8]), Broken> {
        loop {
            // What cannot be is told before its payload is waited for.
            if let Some(&kind) = bytes.first() {
                self.expect(kind)?;
            }
            let &[kind, high, low, ref rest @ ..] = bytes else { return Ok((Flow::GoesOn, bytes)) };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let Some((payload, rest)) = rest.split_at_checked(length) else { return Ok((Flow::GoesOn, bytes)) };
            bytes = rest;
            if self.frame(kind, payload, ear)? == Flow::Ends {
                return Ok((Flow::Ends, bytes));
            }
        }
    }

    fn expect(&self, kind: u8) -> Result<(), Broken> {
        match kind {
            HANG_UP | ERROR => Ok(()),
            UUID if self.call.is_none() => Ok(()),
            _ if self.call.is_none() => Err(Broken("expected the call's UUID first")),
            SILENCE | DTMF => Ok(()),
            _ if rate(kind).is_some() => Ok(()),
            _ => Err(Broken("expected a frame of a known kind")),
        }
    }

    fn frame(&mut self, kind: u8, payload: &[u8], ear: &mut dyn Ear) -> Result<Flow, Broken> {
        match kind {
            HANG_UP | ERROR => return Ok(Flow::Ends),
            UUID => {
                let bytes = payload.try_into().map_err(|_| Broken("expected a UUID of 16 bytes"))?;
                self.call = Some(Id::from_bytes(bytes));
                // Asterisk's own rate, until audio of another comes.
                self.sample_rate_hz = Some(8_000);
                ear.begin(Start { call: self.call, channel: None, tracks: 1, sample_rate_hz: 8_000 });
            }
            _ => {
                let Some(rate) = rate(kind) else { return Ok(Flow::GoesOn) };
                if self.sample_rate_hz.replace(rate) != Some(rate) {
                    ear.change_rate(rate);
                }
                Encoding::L16Le.push(payload, 0, 1, ear);
            }
        }
        Ok(Flow::GoesOn)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Notes, survives};
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, length[0], length[1]], payload].concat()
    }

    fn call() -> Vec<u8> {
        let audio: Vec<u8> = (0..160_i16).flat_map(i16::to_le_bytes).collect();
        // A last frame that is short, a digit, and the end.
        [frame(UUID, &[7; 16]), frame(0x10, &audio), frame(0x10, &audio[..70]), frame(DTMF, b"5"), frame(HANG_UP, &[])]
            .concat()
    }

    #[test]
    fn a_call_is_heard_to_its_end() {
        let mut notes = Notes::default();
        let flow = AudioSocket::default().hear(Incoming::Binary(&call()), &mut notes);
        assert_eq!(flow, Ok(Flow::Ends));
        let start = notes.start.unwrap();
        assert_eq!((start.call, start.sample_rate_hz), (Some(Id::from_bytes([7; 16])), 8_000));
        assert_eq!(notes.tracks, [(0..160).chain(0..35).collect::<Vec<_>>()]);
    }

    #[test]
    fn kinds_have_their_rates() {
        let mut notes = Notes::default();
        let mut protocol = AudioSocket::default();
        let frames = [frame(UUID, &[7; 16]), frame(0x12, &[1, 0]), frame(0x12, &[2, 0]), frame(0x18, &[3, 0])].concat();
        assert_eq!(protocol.hear(Incoming::Binary(&frames), &mut notes), Ok(Flow::GoesOn));
        assert_eq!((notes.rates, notes.tracks), (vec![16_000, 192_000], vec![vec![1, 2, 3]]));
    }

    #[test]
    fn what_is_no_frame_is_told_at_its_first_byte() {
        for (bytes, words) in [
            (b"GET / HTTP/1.1\r\n".to_vec(), "UUID first"),
            (frame(0x10, &[0; 320]), "UUID first"),
            ([frame(UUID, &[7; 16]), vec![0x47]].concat(), "known kind"),
            ([frame(UUID, &[7; 16]), frame(UUID, &[7; 16])].concat(), "known kind"),
            (frame(UUID, &[7; 15]), "16 bytes"),
        ] {
            let broken = AudioSocket::default().hear(Incoming::Binary(&bytes), &mut Notes::default()).unwrap_err();
            assert!(broken.0.contains(words), "{broken:?}");
        }
    }

    #[test]
    fn silence_is_a_frame_of_the_protocol() {
        let mut notes = Notes::default();
        let frames = [&frame(UUID, &[7; 16]), &SILENCE_FRAME[..]].concat();
        assert_eq!(AudioSocket::default().hear(Incoming::Binary(&frames), &mut notes), Ok(Flow::GoesOn));
        assert_eq!(notes.tracks, [[0; 160]]);
    }

    #[test]
    fn anything_may_come() {
        survives(
            || Box::new(AudioSocket::default()),
            &[Incoming::Binary(&call()), Incoming::Binary(&frame(0x10, &[9; 320]))],
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        /// Bytes come in pieces of any length: nothing depends on where they are cut.
        #[test]
        fn pieces_change_nothing(cuts in proptest::collection::vec(1..50_usize, 1..40)) {
            let (bytes, mut notes, mut protocol) = (call(), Notes::default(), AudioSocket::default());
            let mut rest = bytes.as_slice();
            let mut flow = Flow::GoesOn;
            for cut in cuts.iter().cycle() {
                let (piece, more) = rest.split_at((*cut).min(rest.len()));
                flow = protocol.hear(Incoming::Binary(piece), &mut notes).unwrap();
                rest = more;
                if rest.is_empty() { break; }
            }
            prop_assert_eq!(flow, Flow::Ends);
            prop_assert_eq!(&notes.tracks[0], &(0..160).chain(0..35).collect::<Vec<i16>>());
        }
    }
}
