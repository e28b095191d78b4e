//! Samples that come as bytes.

use std::borrow::Cow;

use bytemuck::AnyBitPattern;

use crate::error::{Result, refused};

/// A sample as it is stored: little-endian, as in files and in what phones record.
pub(crate) trait Stored: AnyBitPattern {
    const BYTES: usize;
    fn of(bytes: &[u8]) -> Option<Self>;
}

macro_rules! stored {
    ($sample:ty, $bytes:literal) => {
        impl Stored for $sample {
            const BYTES: usize = $bytes;
            fn of(bytes: &[u8]) -> Option<Self> {
                bytes.first_chunk().map(|bytes| Self::from_le_bytes(*bytes))
            }
        }
    };
}
stored!(i16, 2);
stored!(f32, 4);

/// The samples where they lie; copied only where they lie at an odd address, or the processor has its bytes the other way round.
pub(crate) fn samples<S: Stored>(bytes: &[u8]) -> Result<Cow<'_, [S]>> {
    if !bytes.len().is_multiple_of(S::BYTES) {
        let message = format!("expected whole samples of {} bytes each, got {} bytes", S::BYTES, bytes.len());
        return Err(refused(message));
    }
    match bytemuck::try_cast_slice(bytes) {
        Ok(samples) if cfg!(target_endian = "little") => Ok(Cow::Borrowed(samples)),
        _ => Ok(bytes.chunks_exact(S::BYTES).filter_map(S::of).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_the_same_wherever_they_lie() {
        let values: Vec<i16> = (-500..500).map(|n| n * 60).collect();
        let bytes: Vec<u8> = std::iter::once(0).chain(values.iter().flat_map(|v| v.to_le_bytes())).collect();
        let mut moved = bytes[1..].to_vec();
        assert_eq!(samples::<i16>(&bytes[1..]).unwrap(), values);
        assert_eq!(samples::<i16>(&moved).unwrap(), values);
        moved.pop();
        assert!(matches!(samples::<i16>(&moved), Err(crate::VeravoxError::InvalidArgument(_))));
        assert!(samples::<f32>(&[]).unwrap().is_empty());
        assert_eq!(samples::<f32>(&1.5_f32.to_le_bytes()).unwrap().as_ref(), [1.5]);
    }
}
