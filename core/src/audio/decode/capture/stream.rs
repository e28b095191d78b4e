//! One stream of RTP as a leg: its packets to samples, and what is missing between them.

use std::collections::VecDeque;

use super::payload::{Format, Meaning};
use crate::audio::codec::PacketDecoder;
use crate::audio::decode::source::{Gap, StreamSummary};
use crate::audio::resample::Resampler;
use crate::audio::rtp::{Order, Packet};
use crate::error::Result;

/// A step of the timestamps by more is believed only where the clock of the capture says the same, to so many seconds.
const MAX_STEP_SECONDS: f64 = 10.0;
const MAX_DOUBT_SECONDS: f64 = 2.0;

/// What a stream brings next: a gap, or samples.
pub(super) enum Piece {
    Gap(Gap),
    Samples(Vec<f32>),
}

/// A packet, and when it was captured, in seconds.
pub(super) struct Captured {
    pub packet: Packet,
    pub seconds: f64,
}

/// A payload type that the stream has used, with what it takes to decode it.
struct Payload {
    number: u8,
    meaning: Meaning,
    decoder: Option<(Box<dyn PacketDecoder>, Resampler)>,
}

pub(super) struct Stream {
    summary: StreamSummary,
    order: Order<Captured>,
    timeline: Timeline,
}

/// The packets in order, on the leg's clock.
struct Timeline {
    rate_hz: u32,
    payloads: Vec<Payload>,
    /// The timestamp that follows on what came, and when that was captured.
    expected: Option<(u32, f64)>,
    /// Ticks of the last packet of audio, and of its clock.
    last: (u32, u32),
    /// The keys that are pressed, by their timestamp.
    key: Option<u32>,
    n_missing: u64,
    n_damaged: u64,
    n_keys: u64,
    n_comfort_noise: u64,
    room: Vec<u8>,
}

impl Stream {
    /// A leg at `rate_hz`.
    pub fn new(summary: StreamSummary) -> Self {
        let timeline = Timeline {
            rate_hz: summary.sample_rate_hz,
            payloads: Vec::new(),
            expected: None,
            last: (0, 8_000),
            key: None,
            n_missing: 0,
            n_damaged: 0,
            n_keys: 0,
            n_comfort_noise: 0,
            room: Vec::new(),
        };
        Self { summary, order: Order::recorded(), timeline }
    }

    pub fn summary(&self) -> StreamSummary {
        let (disorder, timeline) = (self.order.disorder(), &self.timeline);
        StreamSummary {
            n_lost: timeline.n_missing,
            n_damaged: timeline.n_damaged,
            n_duplicates: disorder.duplicates,
            n_reordered: disorder.reordered,
            n_late: disorder.late,
            n_keys: timeline.n_keys,
            n_comfort_noise: timeline.n_comfort_noise,
            ..self.summary.clone()
        }
    }

    /// Takes a packet, whose payload type means `meaning`; puts what is in order behind `pieces`.
    pub fn push(&mut self, captured: Captured, meaning: Meaning, pieces: &mut VecDeque<Piece>) -> Result<()> {
        self.summary.n_packets += 1;
        self.timeline.know(captured.packet.payload_type, meaning)?;
        let (order, timeline) = (&mut self.order, &mut self.timeline);
        let mut outcome = Ok(());
        order.push(captured.packet.sequence, captured, &mut |captured, n_missing| {
            let taken = timeline.take(&captured, n_missing.unwrap_or(0), pieces);
            outcome = std::mem::replace(&mut outcome, Ok(())).and(taken);
        });
        outcome
    }

    /// The capture ends.
    pub fn finish(&mut self, pieces: &mut VecDeque<Piece>) -> Result<()> {
        let (order, timeline) = (&mut self.order, &mut self.timeline);
        let mut outcome = Ok(());
        order.flush(&mut |captured, n_missing| {
            let taken = timeline.take(&captured, n_missing.unwrap_or(0), pieces);
            outcome = std::mem::replace(&mut outcome, Ok(())).and(taken);
        });
        outcome?;
        timeline.end(pieces)
    }
}

impl Timeline {
    fn know(&mut self, payload_type: u8, meaning: Meaning) -> Result<()> {
        if self.payloads.iter().any(|known| known.number == payload_type) {
            return Ok(());
        }
        let decoder = match meaning {
            Meaning::Audio(format) => {
                let resampler = Resampler::new(format.sample_rate_hz(), self.rate_hz)?;
                Some((format.codec.decoder(1)?, resampler))
            }
            _ => None,
        };
        self.payloads.push(Payload { number: payload_type, meaning, decoder });
        Ok(())
    }

    fn take(&mut self, captured: &Captured, n_missing: u16, pieces: &mut VecDeque<Piece>) -> Result<()> {
        let Captured { packet, .. } = captured;
        self.n_missing += u64::from(n_missing);
        let known = self.payloads.iter().position(|known| known.number == packet.payload_type);
        let meaning = known.and_then(|n| self.payloads.get(n)).map(|payload| payload.meaning);
        match (known, meaning) {
            (Some(known), Some(Meaning::Audio(format))) => self.audio(captured, n_missing, (known, format), pieces),
            (_, Some(Meaning::Keys)) => {
                // All packets of a key have its timestamp.
                self.n_keys += u64::from(self.key.replace(packet.timestamp) != Some(packet.timestamp));
                Ok(())
            }
            (_, Some(Meaning::ComfortNoise)) => {
                self.n_comfort_noise += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn audio(
        &mut self,
        Captured { packet, seconds: at }: &Captured,
        n_missing: u16,
        (known, format): (usize, Format),
        pieces: &mut VecDeque<Piece>,
    ) -> Result<()> {
        if packet.payload.is_empty() {
            // It keeps a way through a firewall open.
            return Ok(());
        }
        let clock = format.clock_rate_hz;
        let step = self.expected.map_or(0, |(expected, before)| {
            let step = i64::from(packet.timestamp.wrapping_sub(expected).cast_signed());
            let seconds = step as f64 / f64::from(clock);
            let elapsed = at - before;
            let is_odd = seconds.abs() > MAX_STEP_SECONDS && (seconds - elapsed).abs() > MAX_DOUBT_SECONDS;
            if is_odd { (elapsed.clamp(0.0, 86_400.0) * f64::from(clock)) as i64 } else { step }
        });
        // What the missing packets held, by the length of the last; what is beyond was not sent.
        let (last_ticks, last_clock) = self.last;
        let length = u64::from(last_ticks) * u64::from(clock) / u64::from(last_clock.max(1));
        let step = step.max(0).cast_unsigned();
        let lost = u64::from(n_missing) * length;
        let (lost, silent) = if step > 0 { (lost.min(step), step - lost.min(step)) } else { (lost, 0) };
        // Timestamps that move a little without a reason are no silence.
        let silent = if silent * 1_000 < u64::from(clock) { 0 } else { silent };
        let rate_hz = self.rate_hz;
        let at_rate = |ticks: u64| {
            let samples = u128::from(ticks) * u128::from(rate_hz) / u128::from(clock.max(1));
            u64::try_from(samples).unwrap_or(u64::MAX)
        };
        for gap in [Gap::Lost(at_rate(lost)), Gap::Silence(at_rate(silent))] {
            if gap.n_samples() > 0 {
                self.end(pieces)?;
                pieces.push_back(Piece::Gap(gap));
            }
        }
        let mut samples = Vec::new();
        let mut room = std::mem::take(&mut self.room);
        let decoder = self.payloads.get_mut(known).and_then(|payload| payload.decoder.as_mut());
        let bytes = format.packet(&packet.payload, &mut room);
        // What a packet would have held that does not decode, where it says so.
        let stated = bytes.and_then(|bytes| format.codec.samples(bytes, 1)).map(|n| n as u64);
        let decoded = bytes.zip(decoder).and_then(|(bytes, (decoder, resampler))| {
            decoder.decode(bytes, &mut samples).ok().filter(|()| !samples.is_empty())?;
            Some((samples.len(), resampler))
        });
        self.room = room;
        let ticks_of = |samples: u64| samples * u64::from(clock) / u64::from(format.sample_rate_hz().max(1));
        let ticks = if let Some((n, resampler)) = decoded {
            let mut resampled = Vec::new();
            resampler.push(&samples, &mut resampled)?;
            if !resampled.is_empty() {
                pieces.push_back(Piece::Samples(resampled));
            }
            ticks_of(n as u64)
        } else {
            self.n_damaged += 1;
            let ticks = stated.map_or(length, ticks_of);
            if at_rate(ticks) > 0 {
                self.end(pieces)?;
                pieces.push_back(Piece::Gap(Gap::Lost(at_rate(ticks))));
            }
            ticks
        };
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        self.last = (ticks, clock);
        self.expected = Some((packet.timestamp.wrapping_add(ticks), *at));
        Ok(())
    }

    /// What is still in the filters comes out, before a gap and at the end.
    fn end(&mut self, pieces: &mut VecDeque<Piece>) -> Result<()> {
        let rate_hz = self.rate_hz;
        for payload in &mut self.payloads {
            let (Meaning::Audio(format), Some((_, resampler))) = (payload.meaning, &mut payload.decoder) else {
                continue;
            };
            if format.sample_rate_hz() != rate_hz {
                let mut rest = Vec::new();
                resampler.finish(&mut rest)?;
                *resampler = Resampler::new(format.sample_rate_hz(), rate_hz)?;
                if !rest.is_empty() {
                    pieces.push_back(Piece::Samples(rest));
                }
            }
        }
        Ok(())
    }
}
