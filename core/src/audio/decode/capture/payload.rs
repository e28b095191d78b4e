//! What the payload types of RTP mean: by SDP, by the table of RFC 3551, or by hand; and the codec's packets within a payload.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::audio::codec::{Codec, amr_frame_bytes};
use crate::error::{Error, ErrorKind, Result};

/// Endpoints and payload types whose meaning is kept.
const MAX_ANNOUNCED: usize = 8_192;

/// What a payload type of RTP means, as a user says it: `"96=opus/48000"`, `"97=AMR-WB/16000;octet-align=1"`.
///
/// ```
/// use veravox::decode::RtpMap;
///
/// let map: RtpMap = "96=opus/48000".parse()?;
/// assert_eq!(map.to_string(), "96=opus/48000");
/// assert!("300=opus/48000".parse::<RtpMap>().is_err());
/// # Ok::<(), veravox::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpMap {
    payload_type: u8,
    encoding: String,
    clock_rate_hz: u32,
    octet_aligned: bool,
}

impl FromStr for RtpMap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let message = format!("expected a payload type and its codec, as in 96=opus/48000, got {text:?}");
            Error::new(ErrorKind::InvalidArgument, message)
        };
        let (number, rest) = text.split_once('=').ok_or_else(wrong)?;
        let payload_type = number.trim().parse().ok().filter(|n| *n < 128).ok_or_else(wrong)?;
        let (rest, octet_aligned) = match rest.split_once(';') {
            None => (rest, false),
            Some((rest, "octet-align=1")) => (rest, true),
            Some(_) => return Err(wrong()),
        };
        let (encoding, clock) = rest.split_once('/').ok_or_else(wrong)?;
        let clock_rate_hz = clock.parse().ok().filter(|hz| (1_000..=192_000).contains(hz)).ok_or_else(wrong)?;
        if meaning(encoding, clock_rate_hz, octet_aligned) == Meaning::Other {
            let message = format!("the codec of {text:?} is not read from captures");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Self { payload_type, encoding: encoding.to_owned(), clock_rate_hz, octet_aligned })
    }
}

impl std::fmt::Display for RtpMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { payload_type, encoding, clock_rate_hz, octet_aligned } = self;
        let aligned = if *octet_aligned { ";octet-align=1" } else { "" };
        write!(f, "{payload_type}={encoding}/{clock_rate_hz}{aligned}")
    }
}

/// What a payload holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Audio(Format),
    /// Keys that were pressed (RFC 4733).
    Keys,
    /// That nothing is said (RFC 3389).
    ComfortNoise,
    /// Enciphered (SRTP): nobody but the parties can read it.
    Enciphered,
    /// Video, or a codec that is not read.
    Other,
}

/// How audio is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub codec: Codec,
    /// Of RTP's timestamps; G.722's is 8,000 by mistake (RFC 3551, section 4.5.2).
    pub clock_rate_hz: u32,
    /// Of AMR: whether all begins at whole bytes.
    octet_aligned: bool,
}

pub(super) fn meaning(encoding: &str, clock_rate_hz: u32, octet_aligned: bool) -> Meaning {
    if encoding.eq_ignore_ascii_case("telephone-event") {
        return Meaning::Keys;
    }
    if encoding.eq_ignore_ascii_case("CN") {
        return Meaning::ComfortNoise;
    }
    match Codec::by_encoding_name(encoding) {
        Ok(codec) if codec.decoder(1).is_ok() => Meaning::Audio(Format { codec, clock_rate_hz, octet_aligned }),
        _ => Meaning::Other,
    }
}

impl Format {
    /// The rate of the samples.
    pub fn sample_rate_hz(self) -> u32 {
        match self.codec {
            Codec::Mulaw | Codec::Alaw | Codec::G726(..) => self.clock_rate_hz,
            codec => codec.sample_rate_hz(),
        }
    }

    /// The payload as the packets that the decoder takes.
    pub fn packet<'a>(self, payload: &'a [u8], room: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let wideband = match self.codec {
            Codec::AmrNb => false,
            Codec::AmrWb => true,
            _ => return Some(payload),
        };
        room.clear();
        if self.octet_aligned { amr_aligned(wideband, payload, room) } else { amr_packed(wideband, payload, room) }
            .map(|()| room.as_slice())
    }
}

/// AMR with whole bytes (RFC 4867, section 4.4), as files store it.
fn amr_aligned(wideband: bool, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
    // The request of a mode says nothing of this payload.
    let rest = payload.get(1..)?;
    let n_heads = 1 + rest.iter().position(|head| head & 0x80 == 0)?;
    let (heads, mut rest) = rest.split_at_checked(n_heads)?;
    for head in heads {
        let head = head & 0x7c;
        let n = amr_frame_bytes(wideband, head)?.checked_sub(1)?;
        let (data, next) = rest.split_at_checked(n)?;
        out.push(head);
        out.extend_from_slice(data);
        rest = next;
    }
    Some(())
}

/// Bits of the speech in an AMR frame of each type (3GPP TS 26.101 and TS 26.201).
fn amr_bits(wideband: bool, kind: u8) -> Option<usize> {
    const NARROW: [usize; 9] = [95, 103, 118, 134, 148, 159, 204, 244, 39];
    const WIDE: [usize; 10] = [132, 177, 253, 285, 317, 365, 397, 461, 477, 40];
    let bits = if wideband { WIDE.get(usize::from(kind)) } else { NARROW.get(usize::from(kind)) };
    match kind {
        15 => Some(0),
        14 if wideband => Some(0),
        _ => bits.copied(),
    }
}

/// AMR without room between the parts (RFC 4867, section 4.3), as files store it.
fn amr_packed(wideband: bool, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let bit = |at: usize| Some(payload.get(at / 8)? >> (7 - at % 8) & 1);
    let bits = |from: usize, n: usize| (from..from + n).try_fold(0_u8, |value, at| Some(value << 1 | bit(at)?));
    let mut at = 4;
    let mut heads = Vec::new();
    loop {
        let head = bits(at, 6)?;
        at += 6;
        heads.push(head);
        if head & 0x20 == 0 {
            break;
        }
    }
    for head in heads {
        let kind = head >> 1 & 0x0f;
        out.push((head & 0x1f) << 2);
        let n_bits = amr_bits(wideband, kind)?;
        for start in (0..n_bits).step_by(8) {
            let here = (n_bits - start).min(8);
            out.push(bits(at + start, here)? << (8 - here));
        }
        at += n_bits;
    }
    Some(())
}

/// What payload types mean in a capture.
#[derive(Default)]
pub(super) struct PayloadTypes {
    by_hand: HashMap<u8, Meaning>,
    announced: HashMap<(SocketAddr, u8), Meaning>,
    /// What was said of a type first, by whomever.
    any: HashMap<u8, Meaning>,
}

impl PayloadTypes {
    pub fn new(by_hand: &[RtpMap]) -> Self {
        let of = |map: &RtpMap| (map.payload_type, meaning(&map.encoding, map.clock_rate_hz, map.octet_aligned));
        Self { by_hand: by_hand.iter().map(of).collect(), ..Self::default() }
    }

    /// An endpoint says what it takes a type for.
    pub fn announce(&mut self, endpoint: Option<SocketAddr>, payload_type: u8, meaning: Meaning) {
        self.any.entry(payload_type).or_insert(meaning);
        if let Some(endpoint) = endpoint.filter(|_| self.announced.len() < MAX_ANNOUNCED) {
            self.announced.insert((endpoint, payload_type), meaning);
        }
    }

    /// What a type means between two endpoints: what the receiver said, else the sender, else anybody, else the standard.
    pub fn of(&self, payload_type: u8, from: SocketAddr, to: SocketAddr) -> Option<Meaning> {
        let announced = |endpoint| self.announced.get(&(endpoint, payload_type));
        let known = self.by_hand.get(&payload_type).or_else(|| announced(to)).or_else(|| announced(from));
        known.copied().or_else(|| standard(payload_type)).or_else(|| self.any.get(&payload_type).copied())
    }
}

/// RFC 3551, table 4.
pub(super) fn standard(payload_type: u8) -> Option<Meaning> {
    let (encoding, clock) = match payload_type {
        0 => ("PCMU", 8_000),
        2 => ("G726-32", 8_000),
        3 => ("GSM", 8_000),
        8 => ("PCMA", 8_000),
        9 => ("G722", 8_000),
        13 => ("CN", 8_000),
        18 => ("G729", 8_000),
        // G.723, DVI4, LPC, L16, QCELP, MPEG audio, G.728; video.
        4..=7 | 10..=12 | 14..=17 | 25..=34 => return Some(Meaning::Other),
        _ => return None,
    };
    Some(meaning(encoding, clock, false))
}
