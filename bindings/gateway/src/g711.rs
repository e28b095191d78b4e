//! G.711 (ITU-T G.711, 1988): a byte a sample, by two laws.

/// By which law a byte stands for a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// PCMU.
    Mu,
    /// PCMA.
    A,
}

impl Law {
    /// The sample that a byte stands for, in the upper bits of 16.
    ///
    /// ```
    /// use veravox_gateway::g711::Law;
    ///
    /// assert_eq!(Law::Mu.sample(0xff), 0);
    /// assert_eq!(Law::Mu.sample(0x80), 32_124);
    /// assert_eq!(Law::A.sample(0x2a), -32_256);
    /// ```
    #[must_use]
    pub fn sample(self, byte: u8) -> i16 {
        // Sign, three bits of segment, four bits of mantissa; mu-law is sent inverted, A-law with every other bit inverted.
        let (bits, is_positive) = match self {
            Self::Mu => (!byte, byte & 0x80 != 0),
            Self::A => (byte ^ 0x55, byte & 0x80 != 0),
        };
        let (segment, mantissa) = (u32::from(bits >> 4 & 7), i32::from(bits & 15));
        let magnitude = match self {
            Self::Mu => (((mantissa << 3) + 0x84) << segment) - 0x84,
            Self::A if segment == 0 => (mantissa << 4) + 8,
            Self::A => ((mantissa << 4) + 0x108) << (segment - 1),
        };
        (if is_positive { magnitude } else { -magnitude }) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veravox::decode::{AudioReader, DecodeOptions, RawEncoding, RawFormat};

    /// The library reads the same from files.
    #[test]
    fn every_byte_stands_for_what_it_does_in_a_file() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (law, encoding) in [(Law::Mu, RawEncoding::Mulaw), (Law::A, RawEncoding::Alaw)] {
            let raw = Some(RawFormat { encoding, sample_rate_hz: 8_000, channels: 1 });
            let options = DecodeOptions { raw, ..DecodeOptions::default() };
            let mut reader = AudioReader::from_pipe(Box::new(std::io::Cursor::new(bytes.clone())), &options).unwrap();
            let mut samples = Vec::new();
            while let Some(chunk) = reader.next_chunk().unwrap() {
                samples.extend_from_slice(&chunk.channels[0]);
            }
            let ours: Vec<f32> = bytes.iter().map(|byte| f32::from(law.sample(*byte)) / 32_768.0).collect();
            assert_eq!(ours, samples, "{law:?}");
        }
    }
}
