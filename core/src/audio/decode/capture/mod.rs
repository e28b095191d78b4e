//! Captures of packets: the audio of calls as it went over a network, each stream of RTP a leg.
//!
//! A capture is read twice: once for the streams that it holds and for what SIP says of them, once for the audio. Streams are
//! named by their SSRC and the parties by letters, in the order in which they are first heard: no address, number or name from
//! a capture reaches a report. Memory is bounded by the number of streams and the packets that wait for others, not by the
//! length of the capture.

mod datagrams;
mod payload;
mod signalling;
mod stream;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use super::front::Front;
use super::limits::Limits;
use super::source::{AudioInfo, ChunkSource, PcmChunk, StreamSummary};
use crate::audio::rtp::Packet;
use crate::error::{Error, ErrorKind, Result};
use datagrams::{Datagram, Datagrams, Transport, rewind};
pub use payload::RtpMap;
use payload::{Format, Meaning, PayloadTypes};
use stream::{Captured, Piece, Stream};

/// Datagrams that look like RTP by chance make streams of one packet; of more candidates than this those go.
const MAX_CANDIDATES: usize = 4_096;
/// Fewer packets make no leg.
const MIN_PACKETS: u64 = 5;
/// Payload types that a stream may use.
const MAX_TYPES: usize = 8;

/// A stream is what one endpoint sends another under one SSRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    from: SocketAddr,
    to: SocketAddr,
    ssrc: u32,
}

/// What may be a stream.
struct Candidate {
    key: Key,
    first_seconds: f64,
    /// Of the capture, so that legs have an order.
    first_number: u64,
    last_sequence: u16,
    n_packets: u64,
    n_in_order: u64,
    types: Vec<(u8, u64)>,
}

/// The first look at a capture.
struct Survey {
    candidates: HashMap<Key, Candidate>,
    types: PayloadTypes,
    n_unread_descriptions: u64,
}

pub(super) struct CaptureSource {
    datagrams: Datagrams<'static>,
    types: PayloadTypes,
    legs: HashMap<Key, usize>,
    streams: Vec<Stream>,
    pieces: Vec<VecDeque<Piece>>,
    ended: bool,
    warnings: Vec<String>,
}

/// Whether the bytes begin like a capture, and whether it is a pcapng.
pub(super) fn is_ng(head: &[u8]) -> bool {
    head.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a])
}

impl CaptureSource {
    pub fn new(mut bytes: Front, is_ng: bool, limits: &Limits, by_hand: &[RtpMap]) -> Result<(Self, AudioInfo)> {
        rewind(&mut bytes)?;
        let mut survey = Survey::new(by_hand);
        let mut warnings = Vec::new();
        let mut datagrams = Datagrams::new(&mut bytes, is_ng)?;
        loop {
            match datagrams.next(&mut |datagram| survey.look(datagram)) {
                Ok(true) => {}
                Ok(false) => break,
                // What came before is audio all the same; the second reading says where it broke.
                Err(error) if error.kind() == ErrorKind::CorruptAudio && !survey.candidates.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        drop(datagrams);
        let chosen = survey.choose(&mut warnings)?;
        limits.check_channels(chosen.len()).map_err(|_| {
            let (most, found) = (limits.max_channels, chosen.len());
            let message = format!(
                "expected at most {most} legs (max_channels), the capture holds {found} streams of audio: cut it to the call that you mean"
            );
            Error::new(ErrorKind::LimitExceeded, message)
        })?;
        rewind(&mut bytes)?;
        let summaries = summaries(&chosen);
        for summary in &summaries {
            limits.check_sample_rate(summary.sample_rate_hz)?;
        }
        let mut codecs: Vec<&str> = summaries.iter().map(|summary| summary.codec.as_str()).collect();
        codecs.sort_unstable();
        codecs.dedup();
        let info = AudioInfo {
            container: if is_ng { "pcapng" } else { "pcap" }.to_owned(),
            codec: codecs.join("+"),
            sample_rate_hz: summaries.iter().map(|summary| summary.sample_rate_hz).max().unwrap_or(8_000),
            channels: summaries.len(),
            declared_samples: None,
        };
        let legs = chosen.iter().enumerate().map(|(n, (candidate, _))| (candidate.key, n)).collect();
        let source = Self {
            datagrams: Datagrams::new(bytes, is_ng)?,
            types: survey.types,
            legs,
            pieces: summaries.iter().map(|_| VecDeque::new()).collect(),
            streams: summaries.into_iter().map(Stream::new).collect(),
            ended: false,
            warnings,
        };
        Ok((source, info))
    }

    /// Reads packets until there is a piece, or the end.
    fn read_on(&mut self, warnings: &mut Vec<String>) -> Result<()> {
        while !self.ended && self.pieces.iter().all(VecDeque::is_empty) {
            let Self { datagrams, types, legs, streams, pieces, .. } = self;
            let went_on = datagrams.next(&mut |datagram| {
                let Some((key, packet)) = rtp(datagram) else { return Ok(()) };
                let Some(leg) = legs.get(&key).copied() else { return Ok(()) };
                let Some((stream, pieces)) = streams.get_mut(leg).zip(pieces.get_mut(leg)) else { return Ok(()) };
                let meaning = meaning_of(types, &key, &packet);
                stream.push(Captured { packet, seconds: datagram.seconds }, meaning, pieces)
            });
            let went_on = went_on.or_else(|error| {
                if error.kind() == ErrorKind::CorruptAudio {
                    warnings.push(format!("{error}; what came before was read"));
                    return Ok(false);
                }
                Err(error)
            })?;
            if !went_on {
                self.ended = true;
                for (stream, pieces) in self.streams.iter_mut().zip(&mut self.pieces) {
                    stream.finish(pieces)?;
                }
            }
        }
        Ok(())
    }
}

impl ChunkSource for CaptureSource {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        chunk.channels.resize_with(self.streams.len(), Vec::new);
        chunk.clear();
        warnings.append(&mut self.warnings);
        self.read_on(warnings)?;
        let mut any = false;
        for (leg, (pieces, samples)) in self.pieces.iter_mut().zip(&mut chunk.channels).enumerate() {
            while let Some(Piece::Gap(gap)) = pieces.front() {
                chunk.gaps.push((leg, *gap));
                pieces.pop_front();
                any = true;
            }
            while let Some(Piece::Samples(more)) = pieces.front() {
                samples.extend_from_slice(more);
                pieces.pop_front();
                any = true;
            }
        }
        Ok(any || !self.ended)
    }

    fn streams(&self) -> Vec<StreamSummary> {
        self.streams.iter().map(Stream::summary).collect()
    }
}

/// A packet of RTP, with the stream that it belongs to.
fn rtp(datagram: &Datagram<'_>) -> Option<(Key, Packet)> {
    let packet = Some(datagram).filter(|it| it.transport == Transport::Udp).and_then(|it| Packet::parse(it.payload))?;
    Some((Key { from: datagram.from, to: datagram.to, ssrc: packet.ssrc }, packet))
}

/// What a packet's type means. A dynamic one that nobody announced, of four bytes, is a key that was pressed.
fn meaning_of(types: &PayloadTypes, key: &Key, packet: &Packet) -> Meaning {
    let known = types.of(packet.payload_type, key.from, key.to);
    known.unwrap_or(if packet.payload.len() == 4 { Meaning::Keys } else { Meaning::Other })
}

impl Survey {
    fn new(by_hand: &[RtpMap]) -> Self {
        Self { candidates: HashMap::new(), types: PayloadTypes::new(by_hand), n_unread_descriptions: 0 }
    }

    fn look(&mut self, datagram: &Datagram<'_>) -> Result<()> {
        if signalling::is_sip(datagram.payload) {
            let learned = signalling::learn(datagram.payload, &mut self.types);
            self.n_unread_descriptions += u64::from(learned == Some(false));
            return Ok(());
        }
        let Some((key, packet)) = rtp(datagram) else { return Ok(()) };
        if self.candidates.len() >= MAX_CANDIDATES && !self.candidates.contains_key(&key) {
            self.candidates.retain(|_, candidate| candidate.n_packets > 1);
            if self.candidates.len() >= MAX_CANDIDATES {
                let message = format!(
                    "expected at most {MAX_CANDIDATES} streams in a capture, packet {} begins one more",
                    datagram.number
                );
                return Err(Error::new(ErrorKind::LimitExceeded, message));
            }
        }
        let candidate = self.candidates.entry(key).or_insert_with(|| Candidate {
            key,
            first_seconds: datagram.seconds,
            first_number: datagram.number,
            last_sequence: packet.sequence.wrapping_sub(1),
            n_packets: 0,
            n_in_order: 0,
            types: Vec::new(),
        });
        candidate.n_packets += 1;
        // A little out of order is in order enough.
        let step = packet.sequence.wrapping_sub(candidate.last_sequence).cast_signed();
        candidate.n_in_order += u64::from((-16..=16).contains(&step));
        candidate.last_sequence = packet.sequence;
        let is_full = candidate.types.len() >= MAX_TYPES;
        match candidate.types.iter_mut().find(|(known, _)| *known == packet.payload_type) {
            Some((_, n)) => *n += 1,
            None if is_full => {}
            None => candidate.types.push((packet.payload_type, 1)),
        }
        Ok(())
    }

    /// The streams that are legs, in the order in which they begin.
    fn choose(&mut self, warnings: &mut Vec<String>) -> Result<Vec<(Candidate, Format)>> {
        let mut all: Vec<Candidate> = std::mem::take(&mut self.candidates).into_values().collect();
        all.retain(|one| one.n_packets >= MIN_PACKETS && 2 * one.n_in_order >= one.n_packets);
        all.sort_by_key(|one| one.first_number);
        let (mut chosen, mut n_enciphered, mut unknown) = (Vec::new(), 0, Vec::new());
        for candidate in all {
            let mut types = candidate.types.clone();
            types.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            let of = |payload_type| self.types.of(payload_type, candidate.key.from, candidate.key.to);
            let audio = types.iter().find_map(|(payload_type, _)| match of(*payload_type) {
                Some(Meaning::Audio(format)) => Some(format),
                _ => None,
            });
            if let Some(format) = audio {
                chosen.push((candidate, format));
            } else if types.iter().any(|(payload_type, _)| of(*payload_type) == Some(Meaning::Enciphered)) {
                n_enciphered += 1;
            } else {
                unknown.extend(types.iter().map(|(n, _)| *n).find(|n| of(*n).is_none()));
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        let mut words = Vec::new();
        if let Some(first) = unknown.first() {
            let types: Vec<String> = unknown.iter().map(ToString::to_string).collect();
            words.push(format!(
                "nothing in the capture says what RTP payload type {} is; say it, as in --rtp-map {first}=opus/48000",
                types.join(", ")
            ));
        }
        if n_enciphered > 0 {
            words.push(format!("{n_enciphered} of its streams are enciphered (SRTP) and cannot be read"));
        }
        if self.n_unread_descriptions > 0 {
            words.push(format!("{} session descriptions of SIP could not be read", self.n_unread_descriptions));
        }
        if chosen.is_empty() {
            words.insert(0, "the capture holds no stream of audio that is read".to_owned());
            return Err(Error::new(ErrorKind::UnsupportedAudio, words.join("; ")));
        }
        warnings.extend(words);
        Ok(chosen)
    }
}

/// What is known of the legs before they are read.
fn summaries(chosen: &[(Candidate, Format)]) -> Vec<StreamSummary> {
    let start = chosen.iter().map(|(candidate, _)| candidate.first_seconds).fold(f64::INFINITY, f64::min);
    let mut parties: Vec<SocketAddr> = Vec::new();
    let mut letter = |endpoint: SocketAddr| {
        let place = parties.iter().position(|known| *known == endpoint).unwrap_or_else(|| {
            parties.push(endpoint);
            parties.len() - 1
        });
        let letter = char::from(b'A' + (place % 26) as u8);
        if place < 26 { letter.to_string() } else { format!("{letter}{}", place / 26) }
    };
    let of = |(Candidate { key, first_seconds, .. }, format): &(Candidate, Format)| StreamSummary {
        name: format!("{:08x} {}>{}", key.ssrc, letter(key.from), letter(key.to)),
        codec: format.codec.name().to_owned(),
        sample_rate_hz: format.sample_rate_hz(),
        start_seconds: (first_seconds - start).max(0.0),
        ..StreamSummary::default()
    };
    chosen.iter().map(of).collect()
}
