//! What every decoder is, whatever it decodes.

use crate::error::{Error, ErrorKind, Result};

/// Decodes the packets of one stream, in their order.
pub(crate) trait PacketDecoder: Send {
    /// Decodes one packet, which holds whole frames, and puts its samples behind those in `out`: values in [-1, 1], of several
    /// channels interleaved. Of AMR a packet is a frame as files store it, with its head (RFC 4867, section 5.3).
    ///
    /// # Errors
    /// [`CorruptAudio`](ErrorKind::CorruptAudio) when it is no packet of this codec, or says itself that it is damaged: it counts
    /// as lost. Nothing was put into `out` then, and the next packet can be decoded.
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()>;
}

/// A packet that is not what its codec says.
pub(super) fn broken(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::CorruptAudio, message)
}

/// Sixteen bits as floats.
#[cfg(feature = "codecs")]
pub(super) fn push_i16(out: &mut Vec<f32>, samples: &[i16]) {
    out.extend(samples.iter().map(|sample| f32::from(*sample) / 32_768.0));
}
