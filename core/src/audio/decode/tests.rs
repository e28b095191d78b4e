//! What the reader itself decides; files of every format are the matter of `tests/it`.

use super::*;

fn raw(encoding: RawEncoding, channels: usize) -> DecodeOptions {
    DecodeOptions { raw: Some(RawFormat { encoding, sample_rate_hz: 8_000, channels }), ..DecodeOptions::default() }
}

fn read(bytes: Vec<u8>, options: &DecodeOptions) -> (Vec<Vec<f32>>, Vec<String>) {
    let mut reader = AudioReader::from_bytes(bytes, None, options).unwrap();
    let mut channels = vec![Vec::new(); reader.info().channels];
    while let Some(chunk) = reader.next_chunk().unwrap() {
        for (all, some) in channels.iter_mut().zip(&chunk.channels) {
            all.extend_from_slice(some);
        }
    }
    (channels, reader.warnings().to_vec())
}

#[test]
fn raw_samples_are_interleaved_and_scaled() {
    let bytes = [16_384_i16, -32_768, 0, 8_192].iter().flat_map(|v| v.to_le_bytes()).collect();
    let (channels, warnings) = read(bytes, &raw(RawEncoding::PcmS16Le, 2));
    assert_eq!(channels, [vec![0.5, 0.0], vec![-1.0, 0.25]]);
    assert!(warnings.is_empty());
}

#[test]
fn raw_floats_pass_as_they_are() {
    let bytes = [0.5_f32, -0.25].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(read(bytes, &raw(RawEncoding::PcmF32Le, 1)).0, [vec![0.5, -0.25]]);
}

#[test]
fn a_part_of_a_sample_at_the_end_is_left_out_aloud() {
    let (channels, warnings) = read(vec![0; 7], &raw(RawEncoding::PcmS16Le, 2));
    assert_eq!(channels[0].len(), 1);
    assert_eq!(warnings, ["the last 3 bytes are no whole sample of all channels and were left out"]);
}

#[cfg(feature = "codecs")]
#[test]
fn a_byte_that_makes_odd_blocks_even_is_no_loss() {
    let behind = |last: u8| {
        let mut block = vec![0; 34];
        (block[0], block[33]) = (0xd0, last);
        read(block, &raw(RawEncoding::Gsm, 1))
    };
    let (channels, warnings) = behind(0);
    assert_eq!((channels[0].len(), warnings.len()), (160, 0));
    assert_eq!(behind(1).1, ["the last 1 bytes are no whole block and were left out"]);
}

#[test]
fn raw_formats_keep_the_limits() {
    let refused = |options: &DecodeOptions| AudioReader::from_bytes(vec![0; 100], None, options).err().unwrap().kind();
    assert_eq!(refused(&raw(RawEncoding::Mulaw, 17)), ErrorKind::LimitExceeded);
    assert_eq!(refused(&raw(RawEncoding::Mulaw, 0)), ErrorKind::CorruptAudio);
    let mut slow = raw(RawEncoding::Mulaw, 1);
    slow.raw = slow.raw.map(|format| RawFormat { sample_rate_hz: 1, ..format });
    assert_eq!(refused(&slow), ErrorKind::LimitExceeded);
}

#[test]
fn long_audio_comes_in_pieces() {
    let mut reader = AudioReader::from_bytes(vec![0xff; 100_000], None, &raw(RawEncoding::Mulaw, 1)).unwrap();
    let mut longest = 0;
    while let Some(chunk) = reader.next_chunk().unwrap() {
        longest = longest.max(chunk.n_samples());
    }
    assert!(longest < 10_000);
    assert_eq!(reader.samples_read(), 100_000);
}
