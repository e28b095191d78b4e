//! Bytes to samples.

use super::{Broken, Ear};
use veravox::g711::Law;

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// 16 bits, little endian.
    L16Le,
    /// 16 bits, big endian.
    L16Be,
    /// G.711.
    G711(Law),
}

/// Samples that are made at a time.
const BLOCK: usize = 480;

impl Encoding {
    /// By the names that Asterisk's formats have, with the rate.
    #[must_use]
    pub fn of_asterisk(format: &str) -> Option<(Self, u32)> {
        Some(match format {
            "ulaw" => (Self::G711(Law::Mu), 8_000),
            "alaw" => (Self::G711(Law::A), 8_000),
            "slin" | "slin8" => (Self::L16Le, 8_000),
            _ => {
                let khz: u32 = format.strip_prefix("slin")?.parse().ok()?;
                let hz = if khz == 44 { 44_100 } else { khz.checked_mul(1_000)? };
                matches!(khz, 12 | 16 | 24 | 32 | 44 | 48 | 96 | 192).then_some((Self::L16Le, hz))?
            }
        })
    }

    /// Bytes of a sample.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::L16Le | Self::L16Be => 2,
            Self::G711(_) => 1,
        }
    }

    /// Tells the samples of interleaved sides, from the first on. A sample that is not whole is left out.
    pub fn push(self, bytes: &[u8], first: usize, tracks: usize, ear: &mut dyn Ear) {
        let width = self.width();
        for (offset, track) in (first..first + tracks).enumerate() {
            let mut block = [0; BLOCK];
            let mut samples = bytes
                .chunks_exact(width * tracks)
                .filter_map(|frame| frame.get(offset * width..(offset + 1) * width))
                .map(|sample| match (self, sample) {
                    (Self::L16Le, &[low, high]) => i16::from_le_bytes([low, high]),
                    (Self::L16Be, &[high, low]) => i16::from_be_bytes([high, low]),
                    (Self::G711(law), &[byte]) => law.sample(byte),
                    _ => 0,
                });
            loop {
                let mut n = 0;
                for (to, from) in block.iter_mut().zip(samples.by_ref()) {
                    *to = from;
                    n += 1;
                }
                ear.push(track, block.get(..n).unwrap_or_default());
                if n < BLOCK {
                    break;
                }
            }
        }
    }
}

/// A rate that a call may state.
pub(super) fn rate(value: u64) -> Result<u32, Broken> {
    u32::try_from(value)
        .ok()
        .filter(|rate| (4_000..=384_000).contains(rate))
        .ok_or(Broken("expected a sample rate of 4000 to 384000"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Notes;
    use super::super::{Ear as _, Start};
    use super::*;

    #[test]
    fn interleaved_sides_come_apart_and_half_samples_are_left_out() {
        let mut notes = Notes::default();
        notes.begin(Start { call: None, channel: None, tracks: 2, sample_rate_hz: 8_000 });
        let bytes: Vec<u8> = (0..2_000_i16).flat_map(|n| [n.to_le_bytes(), (-n).to_le_bytes()]).flatten().collect();
        Encoding::L16Le.push(&bytes[..bytes.len() - 1], 0, 2, &mut notes);
        assert_eq!(notes.tracks[0], (0..1_999).collect::<Vec<_>>());
        assert_eq!(notes.tracks[1], (0..1_999).map(|n| -n).collect::<Vec<_>>());
        Encoding::G711(Law::Mu).push(&[0xff, 0x80], 1, 1, &mut notes);
        assert_eq!(notes.tracks[1][1_999..], [0, 32_124]);
        Encoding::L16Be.push(&[1, 2], 0, 1, &mut notes);
        assert_eq!(notes.tracks[0][1_999..], [0x0102]);
    }

    #[test]
    fn formats_have_asterisks_names() {
        assert_eq!(Encoding::of_asterisk("slin16"), Some((Encoding::L16Le, 16_000)));
        assert_eq!(Encoding::of_asterisk("slin44"), Some((Encoding::L16Le, 44_100)));
        assert_eq!(Encoding::of_asterisk("alaw"), Some((Encoding::G711(Law::A), 8_000)));
        for other in ["opus", "slin9999999", "slin17", "g722", ""] {
            assert_eq!(Encoding::of_asterisk(other), None, "{other}");
        }
    }
}
