//! What the first byte of a packet says of the rest.

/// Bytes of an AMR frame as files store it, with its head (3GPP TS 26.101 and TS 26.201, table of frame types). None of a type
/// that there is not.
pub(crate) fn amr_frame_bytes(wideband: bool, head: u8) -> Option<usize> {
    const NARROW: [usize; 9] = [12, 13, 15, 17, 19, 20, 26, 31, 5];
    const WIDE: [usize; 10] = [17, 23, 32, 36, 40, 46, 50, 58, 60, 5];
    let kind = usize::from((head >> 3) & 0x0f);
    let speech = if wideband { WIDE.get(kind) } else { NARROW.get(kind) };
    match (kind, speech) {
        (_, Some(bytes)) => Some(1 + bytes),
        // Lost, and no data.
        (14, None) if wideband => Some(1),
        (15, None) => Some(1),
        _ => None,
    }
}

/// Samples at 48,000 Hz in an Opus packet (RFC 6716, section 3.1), of 120 ms at most.
#[cfg(any(feature = "captures", feature = "codecs"))]
pub(crate) fn opus_packet_samples(packet: &[u8]) -> Option<usize> {
    let [toc, rest @ ..] = packet else { return None };
    let config = toc >> 3;
    let frame = match config {
        0..=11 => [480, 960, 1_920, 2_880].get(usize::from(config % 4)),
        12..=15 => [480, 960].get(usize::from(config % 2)),
        _ => [120, 240, 480, 960].get(usize::from(config % 4)),
    }?;
    let n_frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(rest.first()? & 0x3f),
    };
    Some(frame * n_frames).filter(|samples| (1..=5_760).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amr_heads_tell_the_length() {
        assert_eq!(amr_frame_bytes(false, 0x3c), Some(32), "12.2 kbit/s");
        assert_eq!(amr_frame_bytes(true, 0x44), Some(61), "23.85 kbit/s");
        assert_eq!(amr_frame_bytes(false, 0x7c), Some(1), "no data");
        assert_eq!(amr_frame_bytes(false, 0x74), None);
        assert_eq!(amr_frame_bytes(true, 0x74), Some(1), "lost");
    }

    #[test]
    fn opus_packets_tell_their_time() {
        assert_eq!(opus_packet_samples(&[0x78]), Some(960), "hybrid, 20 ms");
        assert_eq!(opus_packet_samples(&[0x4b, 3]), Some(2_880), "three of SILK, 20 ms");
        assert_eq!(opus_packet_samples(&[0x4b, 9]), None, "180 ms");
        assert_eq!(opus_packet_samples(&[0xe3]), None);
        assert_eq!(opus_packet_samples(&[]), None);
    }
}
