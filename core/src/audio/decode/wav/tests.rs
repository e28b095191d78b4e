//! Heads as recorders write them: whatever they say, all audio is read, or a note tells what was not.

use proptest::prelude::*;

use super::super::{AudioReader, DecodeOptions};

/// A wave, as 16-bit samples.
fn wave(n: usize) -> Vec<u8> {
    (0..n).flat_map(|n| (((n as f32 * 0.3).sin() * 8_000.0) as i16).to_le_bytes()).collect()
}

fn chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    sized(name, body.len() as u32, body)
}

/// A chunk whose size says something else.
fn sized(name: [u8; 4], size: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = [name.as_slice(), &size.to_le_bytes(), body].concat();
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn fmt(tag: u16, channels: u16, bits: u16, block_align: u16, extra: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for field in [tag, channels] {
        body.extend(field.to_le_bytes());
    }
    body.extend(8_000_u32.to_le_bytes());
    body.extend((8_000 * u32::from(block_align)).to_le_bytes());
    for field in [block_align, bits] {
        body.extend(field.to_le_bytes());
    }
    body.extend(extra);
    chunk(*b"fmt ", &body)
}

fn pcm16() -> Vec<u8> {
    fmt(1, 1, 16, 2, &[])
}

fn riff(size: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"RIFF".as_slice(), &size.to_le_bytes(), b"WAVE", &chunks.concat()].concat()
}

struct Heard {
    samples: Vec<Vec<f32>>,
    notes: Vec<String>,
}

fn read(mut reader: AudioReader) -> Heard {
    let samples = reader.read_to_end().unwrap();
    Heard { samples, notes: reader.warnings().to_vec() }
}

/// From a file and from a pipe: the same samples.
fn heard(bytes: &[u8]) -> Heard {
    let options = DecodeOptions::default();
    let pipe: &'static [u8] = bytes.to_vec().leak();
    let piped = read(AudioReader::from_pipe(Box::new(pipe), &options).unwrap());
    let file = read(AudioReader::from_bytes(bytes.to_vec(), None, &options).unwrap());
    assert_eq!(file.samples, piped.samples, "a file and a pipe differ");
    file
}

fn refused(bytes: &[u8]) -> String {
    AudioReader::from_bytes(bytes.to_vec(), None, &DecodeOptions::default()).err().unwrap().to_string()
}

#[test]
fn sizes_that_nobody_knew_are_read_to_the_end_without_a_note() {
    for size in [u32::MAX, u32::MAX - 36, 0x7fff_ffff, 0x7fff_f000, 0x8000_0000] {
        let heard = heard(&riff(size, &[pcm16(), sized(*b"data", size, &wave(4_000))]));
        assert_eq!((heard.samples[0].len(), heard.notes.len()), (4_000, 0), "{size:#x}: {:?}", heard.notes);
    }
}

#[test]
fn a_header_that_was_not_finished_is_read_to_the_end_and_says_so() {
    let bytes = riff(0, &[pcm16(), sized(*b"data", 0, &wave(4_000))]);
    let heard = heard(&bytes);
    assert_eq!(heard.samples[0].len(), 4_000);
    assert!(heard.notes[0].contains("did not finish the header"), "{:?}", heard.notes);
    // No audio, and chunks behind it: that is what the header says.
    let empty = riff(0, &[pcm16(), chunk(*b"data", &[]), chunk(*b"LIST", b"INFOISFT\x04\0\0\0sox\0")]);
    assert!(self::heard(&empty).notes.is_empty());
}

#[test]
fn the_size_of_the_file_says_nothing() {
    for size in [0, 8, 36, 999_999, u32::MAX] {
        let heard = heard(&riff(size, &[pcm16(), chunk(*b"data", &wave(4_000))]));
        assert_eq!((heard.samples[0].len(), heard.notes.len()), (4_000, 0));
    }
}

#[test]
fn a_fmt_chunk_may_be_longer_than_its_codec_needs() {
    let codes = vec![0x55_u8; 4_000];
    for (tag, name) in [(7, "pcm_mulaw"), (6, "pcm_alaw")] {
        for extra in [&[][..], &[0, 0], &[0, 0, 0, 0], &[0; 24]] {
            let bytes = riff(0, &[fmt(tag, 1, 8, 1, extra), chunk(*b"data", &codes)]);
            let reader = AudioReader::from_bytes(bytes.clone(), None, &DecodeOptions::default()).unwrap();
            assert_eq!(reader.info().codec, name);
            assert_eq!(heard(&bytes).samples[0].len(), 4_000);
        }
    }
    let mut guid = vec![22, 0, 8, 0, 4, 0, 0, 0, 7, 0];
    guid.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    let extensible = riff(0, &[fmt(0xfffe, 1, 8, 1, &guid), chunk(*b"data", &codes)]);
    assert_eq!(heard(&extensible).samples, heard(&riff(0, &[fmt(7, 1, 8, 1, &[]), chunk(*b"data", &codes)])).samples);
}

#[test]
fn all_data_chunks_and_all_recordings_are_read() {
    let list = chunk(*b"LIST", b"odd");
    let two = riff(0, &[pcm16(), chunk(*b"data", &wave(3_000)), list.clone(), chunk(*b"data", &wave(2_000))]);
    let heard_two = heard(&two);
    assert_eq!((heard_two.samples[0].len(), heard_two.notes.len()), (5_000, 0));

    let one = riff(0, &[pcm16(), chunk(*b"data", &wave(3_000)), list]);
    let joined = heard(&[one.clone(), two].concat());
    assert_eq!(joined.samples[0].len(), 8_000);
    assert!(joined.notes[0].starts_with("2 recordings"), "{:?}", joined.notes);

    let other = riff(0, &[fmt(1, 2, 16, 4, &[]), chunk(*b"data", &wave(3_000))]);
    let differ = heard(&[one, other].concat());
    assert_eq!(differ.samples[0].len(), 3_000);
    assert!(differ.notes[0].contains("6044 bytes") && differ.notes[0].contains("not read"), "{:?}", differ.notes);
}

#[test]
fn audio_behind_an_old_size_is_read_and_told() {
    let bytes = riff(0, &[pcm16(), sized(*b"data", 2_000, &wave(9_000))]);
    let heard = heard(&bytes);
    assert_eq!(heard.samples[0].len(), 9_000);
    assert!(heard.notes[0].contains("16000 bytes (1.0 s)"), "{:?}", heard.notes);
    let few = riff(0, &[pcm16(), sized(*b"data", 2_000, &wave(1_100))]);
    let few = read(AudioReader::from_bytes(few, None, &DecodeOptions::default()).unwrap());
    assert_eq!(few.samples[0].len(), 1_000);
    assert!(few.notes[0].contains("the last 200 bytes"), "{:?}", few.notes);
}

#[test]
fn what_is_missing_at_the_end_is_told() {
    let heard = heard(&riff(0, &[pcm16(), sized(*b"data", 16_000, &wave(4_000))]));
    assert_eq!(heard.samples[0].len(), 4_000);
    assert!(heard.notes[0].contains("ends early: 8000 bytes (0.5 s)"), "{:?}", heard.notes);
    assert_eq!(heard.notes.len(), 1);
}

#[test]
fn odd_chunks_with_and_without_the_byte_that_fills_them() {
    let odd = b"LIST\x03\0\0\0abc";
    // Some fill with whatever lies in their memory.
    for filled in [Some(0), Some(b'x'), None] {
        let mut list = odd.to_vec();
        list.extend(filled);
        for chunks in [
            vec![pcm16(), list.clone(), chunk(*b"data", &wave(4_000))],
            vec![pcm16(), chunk(*b"data", &wave(4_000)), list.clone()],
            vec![pcm16(), chunk(*b"data", &wave(3_000)), list.clone(), chunk(*b"data", &wave(1_000))],
        ] {
            let heard = heard(&riff(0, &chunks));
            assert_eq!((heard.samples[0].len(), heard.notes.len()), (4_000, 0), "{filled:?}: {:?}", heard.notes);
        }
    }
    // A chunk that nobody knows is told by its size, which the length of the file bounds.
    for filled in [Some(0), None] {
        let mut list = odd.to_vec();
        list.extend(filled);
        let bytes = riff(0, &[pcm16(), list, chunk(*b"cart", b"ab"), chunk(*b"data", &wave(4_000))]);
        let read = read(AudioReader::from_bytes(bytes, None, &DecodeOptions::default()).unwrap());
        assert_eq!((read.samples[0].len(), read.notes.len()), (4_000, 0), "{filled:?}: {:?}", read.notes);
    }
}

#[test]
fn twenty_four_bits_in_four_bytes_at_either_end() {
    let values: Vec<i32> = (0..4_000).map(|n| ((n as f32 * 0.3).sin() * 4e6) as i32).collect();
    let want: Vec<f32> = values.iter().map(|v| *v as f32 / 8_388_608.0).collect();
    for shift in [0, 8] {
        let data: Vec<u8> = values.iter().flat_map(|v| (v << shift).to_le_bytes()).collect();
        let got = heard(&riff(0, &[fmt(1, 1, 24, 4, &[]), chunk(*b"data", &data)]));
        assert_eq!(got.samples[0].len(), want.len());
        assert!(got.samples[0].iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-6), "shifted by {shift}");
    }
}

#[test]
fn big_endian_and_long_files_are_read() {
    let samples = wave(4_000);
    let want = heard(&riff(0, &[pcm16(), chunk(*b"data", &samples)])).samples;
    let mut rifx = b"RIFX\0\0\0\0WAVEfmt \0\0\0\x10\0\x01\0\x01".to_vec();
    rifx.extend([0, 0, 0x1f, 0x40, 0, 0, 0x3e, 0x80, 0, 2, 0, 16]);
    rifx.extend(b"data");
    rifx.extend((samples.len() as u32).to_be_bytes());
    rifx.extend(samples.chunks(2).flat_map(|pair| [pair[1], pair[0]]));
    assert_eq!(heard(&rifx).samples, want);

    let mut long = vec![0; 28];
    long[8..16].copy_from_slice(&(samples.len() as u64).to_le_bytes());
    let list = chunk(*b"LIST", b"INFO");
    let mut rf64 = riff(u32::MAX, &[chunk(*b"ds64", &long), pcm16(), sized(*b"data", u32::MAX, &samples), list]);
    rf64[..4].copy_from_slice(b"RF64");
    let heard = heard(&rf64);
    assert_eq!((heard.samples, heard.notes.len()), (want, 0));
}

#[test]
fn errors_say_where() {
    let past = riff(0, &[pcm16(), sized(*b"junk", 1_000_000, &[0; 16])]);
    assert_eq!(refused(&past), "the chunk junk at byte 36 says 1000000 bytes, 16 are left in the file");
    assert!(refused(&riff(0, &[pcm16()])).contains("expected a data chunk, the file ends at byte 36"));
    let unread = riff(0, &[fmt(0x42, 1, 0, 24, &[2, 0, 240, 0]), chunk(*b"data", &[0; 240])]);
    assert!(refused(&unread).starts_with("G.723.1 in WAV (format 0x0042)"));
    let stereo = riff(0, &[fmt(0x31, 2, 0, 65, &[2, 0, 64, 1]), chunk(*b"data", &[0; 650])]);
    assert_eq!(refused(&stereo), "gsm of 2 channels is not read, of 1 it is");
}

#[test]
fn g722_has_its_own_rate_whatever_the_header_says() {
    // Of the two rates of the standard some writers state that of the network.
    let file = riff(0, &[fmt(0x28f, 1, 4, 1, &[]), chunk(*b"data", &[0x55; 800])]);
    let mut reader = AudioReader::from_bytes(file, None, &DecodeOptions::default()).unwrap();
    assert_eq!((reader.info().sample_rate_hz, reader.info().declared_samples), (16_000, Some(1_600)));
    assert_eq!(reader.read_to_end().unwrap()[0].len(), 1_600);
}

proptest! {
    /// Whatever stands in the sizes, nothing panics, and of samples that are there none is passed over without a note.
    #[test]
    fn any_sizes(riff_size: u32, data_size: u32, n in 0_usize..20_000, tail in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut bytes = riff(riff_size, &[pcm16(), sized(*b"data", data_size, &wave(n))]);
        bytes.extend(&tail);
        if let Ok(reader) = AudioReader::from_bytes(bytes, None, &DecodeOptions::default()) {
            let heard = read(reader);
            let all = heard.samples[0].len() >= n;
            prop_assert!(all || !heard.notes.is_empty(), "{} of {n}", heard.samples[0].len());
        }
    }
}
