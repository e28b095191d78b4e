//! Every container and codec that is read: `testdata/formats`.

use veravox::ErrorKind;
use veravox::decode::{AudioReader, DecodeOptions, Limits, RawEncoding, RawFormat};
use veravox::resample::Resampler;

use crate::{Audio, decode, rows, testdata};

const REFERENCE: &str = "formats/clip.pcm_s16.wav";

fn raw(encoding: RawEncoding) -> DecodeOptions {
    let format = RawFormat { encoding, sample_rate_hz: 8_000, channels: 1 };
    DecodeOptions { raw: Some(format), ..DecodeOptions::default() }
}

fn options_for(name: &str) -> DecodeOptions {
    match name.rsplit_once('.').map(|(stem, extension)| (stem.rsplit('.').next(), extension)) {
        Some((Some("alaw"), "raw")) => raw(RawEncoding::Alaw),
        Some((Some("mulaw"), "raw")) => raw(RawEncoding::Mulaw),
        Some((_, "raw")) => raw(RawEncoding::PcmS16Le),
        // Nothing in the file tells how many bits a sample has.
        Some((Some(coding), "g726")) => {
            let name = coding.replace("g726_", "g726-").replace("aal2_", "aal2-g726-");
            raw(RawEncoding::from_name(&name).unwrap())
        }
        _ => DecodeOptions::default(),
    }
}

/// Signal to noise of `got` against `expected`, at the best of a few shifts and gains: codecs may delay and scale.
fn snr_db(got: &[f32], expected: &[f32], max_shift: usize) -> f64 {
    let at = |shift: usize| {
        let pairs = || got.iter().skip(shift).zip(expected).map(|(g, e)| (f64::from(*g), f64::from(*e)));
        let (cross, power) = pairs().fold((0.0, 0.0), |(c, p), (g, e)| (c + g * e, p + g * g));
        let gain = cross / f64::max(power, 1e-12);
        let (signal, noise) = pairs().fold((0.0, 0.0), |(s, n), (g, e)| (s + e * e, n + (gain * g - e).powi(2)));
        10.0 * (signal / f64::max(noise, 1e-12)).log10()
    };
    (0..=max_shift).map(at).fold(f64::NEG_INFINITY, f64::max)
}

fn at_8000_hz(audio: &Audio) -> Vec<f32> {
    let mut resampler = Resampler::new(audio.sample_rate_hz, 8_000).unwrap();
    let mut out = Vec::new();
    resampler.push(&audio.legs[0], &mut out).unwrap();
    resampler.finish(&mut out).unwrap();
    out
}

#[test]
fn every_format_decodes_to_the_same_clip() {
    let reference = decode(&testdata(REFERENCE), &DecodeOptions::default()).legs.remove(0);
    let table = rows("formats/formats.tsv");
    assert!(table.len() >= 57);
    for row in table {
        let [name, rate, channels, frames, _, snr] = &row[..] else { panic!("{row:?}") };
        let audio = decode(&testdata(&format!("formats/{name}")), &options_for(name));
        assert_eq!(audio.sample_rate_hz.to_string(), *rate, "{name}");
        assert_eq!(audio.legs.len().to_string(), *channels, "{name}");
        let n = audio.legs[0].len();
        assert!(audio.legs.iter().all(|leg| leg.len() == n), "{name}: legs of different lengths");
        // ffmpeg drops the padding that an AAC encoder puts around the audio; one packet to either side is 256 ms.
        let frames: usize = frames.parse().unwrap();
        assert!((frames..=frames + 2_048).contains(&n), "{name}: {n} samples for {frames}");
        if snr == "exact" {
            let same = audio.legs[0].iter().zip(&reference).all(|(a, b)| a == b);
            assert!(same, "{name}: not the same samples");
        } else {
            // The resampler takes off the top of the band, where the reference keeps a little.
            let expected = snr.parse::<f64>().unwrap().min(30.0) - 3.0;
            let got = snr_db(&at_8000_hz(&audio), &reference, 1_200);
            assert!(got >= expected, "{name}: {got:.1} dB, expected {expected:.1}");
        }
        let by_name = |w: &String| w.contains("by its name it was read as raw audio");
        assert!(audio.warnings.iter().all(by_name), "{name}: {:?}", audio.warnings);
    }
}

#[test]
fn the_table_of_formats_has_every_file() {
    let mut names: Vec<_> = rows("formats/formats.tsv").into_iter().map(|row| row[0].clone()).collect();
    names.push("formats.tsv".to_owned());
    for entry in std::fs::read_dir(testdata("formats")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "{name} is not in formats.tsv");
    }
}

#[test]
fn legs_stay_apart() {
    let six = decode(&testdata("formats/clip.six_channels.wav"), &DecodeOptions::default());
    for pair in six.legs.windows(2) {
        // Each half as loud as the one before; rounding to 16 bits leaves one part in 65,536.
        assert!(pair[0].iter().zip(&pair[1]).all(|(loud, soft)| (loud / 2.0 - soft).abs() <= 1.0 / 32_768.0));
    }
    let stereo = decode(&testdata("formats/clip.stereo.wav"), &DecodeOptions::default());
    assert_ne!(stereo.legs[0], stereo.legs[1]);
}

#[test]
fn the_name_of_a_file_is_a_hint_and_no_more() {
    let bytes = std::fs::read(testdata(REFERENCE)).unwrap();
    for extension in [None, Some("wav"), Some("mp3"), Some("nonsense"), Some("")] {
        let reader = AudioReader::from_bytes(bytes.clone(), extension, &DecodeOptions::default()).unwrap();
        assert_eq!(reader.info().container, "wave");
    }
}

#[test]
fn raw_audio_is_what_the_caller_says() {
    let floats: Vec<u8> = [0.25_f32, -0.5, 1.0, f32::NAN].iter().flat_map(|v| v.to_le_bytes()).collect();
    let format = RawFormat { encoding: RawEncoding::PcmF32Le, sample_rate_hz: 16_000, channels: 2 };
    let options = DecodeOptions { raw: Some(format), ..DecodeOptions::default() };
    let mut reader = AudioReader::from_bytes(floats, Some("wav"), &options).unwrap();
    let chunk = reader.next_chunk().unwrap().unwrap().clone();
    assert_eq!(chunk.channels[0], [0.25, 1.0]);
    assert_eq!(chunk.channels[1][0], -0.5);
    assert!(reader.next_chunk().unwrap().is_none());
    assert_eq!(reader.info().declared_samples, Some(2));
}

#[test]
fn a_raw_file_that_ends_inside_a_sample_says_so() {
    let mut reader = AudioReader::from_bytes(vec![0; 7], None, &raw(RawEncoding::PcmS16Le)).unwrap();
    assert_eq!(reader.next_chunk().unwrap().unwrap().n_samples(), 3);
    assert!(reader.next_chunk().unwrap().is_none());
    assert!(reader.warnings()[0].contains("the last 1 bytes"), "{:?}", reader.warnings());
}

/// A minute of audio passes in small pieces: what is held at a time does not grow with the file.
#[test]
fn files_are_streamed() {
    for name in
        ["calls/01-helpdesk-reset.mulaw.wav", "calls/13-insurance-claim-30s.mp3", "calls/07-garage-voicemail.gsm.flac"]
    {
        let mut reader = AudioReader::open(&testdata(name), &DecodeOptions::default()).unwrap();
        let (mut longest, mut total) = (0, 0);
        while let Some(chunk) = reader.next_chunk().unwrap() {
            longest = longest.max(chunk.n_samples());
            total += chunk.n_samples();
        }
        assert!(longest <= 8_192 && total > 10 * longest, "{name}: {longest} of {total} samples in one chunk");
        assert_eq!(reader.samples_read(), total as u64);
    }
}

#[test]
fn limits_are_held_and_named() {
    let refused = |limits: Limits| {
        let options = DecodeOptions { limits, ..DecodeOptions::default() };
        let mut reader = match AudioReader::open(&testdata("formats/clip.stereo.wav"), &options) {
            Ok(reader) => reader,
            Err(error) => return error,
        };
        loop {
            match reader.next_chunk() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it was read to its end"),
                Err(error) => return error,
            }
        }
    };
    let standard = Limits::default;
    for (limits, name) in [
        (Limits { max_channels: 1, ..standard() }, "max_channels"),
        (Limits { min_sample_rate_hz: 16_000, ..standard() }, "min_sample_rate_hz"),
        (Limits { max_sample_rate_hz: 7_999, ..standard() }, "max_sample_rate_hz"),
        (Limits { max_duration_seconds: 1.0, ..standard() }, "max_duration_seconds"),
        (Limits { max_reading_seconds: 1e-9, ..standard() }, "max_reading_seconds"),
    ] {
        let error = refused(limits);
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert!(error.to_string().contains(name), "{error}");
    }
}

/// A gigabyte of silence in two kilobytes: what a hostile file would do.
#[test]
fn a_few_bytes_do_not_unpack_to_hours() {
    // A FLAC stream of 65,535 zeros a frame (RFC 9639): a constant subframe, 16 bits, one channel of 8,000 Hz.
    let mut file = b"fLaC\x80\x00\x00\x22\xff\xff\xff\xff\0\0\0\0\0\0\x01\xf4\x00\xf0\0\0\0\0".to_vec();
    file.extend([0; 16]);
    for n in 0..2_000_u32 {
        let number = coded_number(n);
        let mut frame = [&[0xff, 0xf8, 0x70, 0x08], number.as_slice(), &[0xff, 0xfe]].concat();
        frame.push(crc(&frame, 0x07, 8) as u8);
        frame.extend([0, 0, 0]);
        frame.extend((crc(&frame, 0x8005, 16) as u16).to_be_bytes());
        file.extend(frame);
    }
    let read = |limits: Limits| {
        let options = DecodeOptions { limits, ..DecodeOptions::default() };
        let mut reader = AudioReader::from_bytes(file.clone(), None, &options).unwrap();
        loop {
            match reader.next_chunk() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(reader.samples_read()),
                Err(error) => return Err(error.to_string()),
            }
        }
    };
    let all = 2_000 * 65_535;
    assert_eq!(read(Limits::default()), Ok(all), "a ratio of 9,000 is met in earnest");
    let refused = read(Limits { max_decoded_ratio: 1_000.0, ..Limits::default() });
    assert!(refused.as_ref().is_err_and(|words| words.contains("max_decoded_ratio")), "{refused:?}");

    let options =
        DecodeOptions { limits: Limits { max_memory_bytes: 1 << 20, ..Limits::default() }, ..DecodeOptions::default() };
    let mut reader = AudioReader::from_bytes(file.clone(), None, &options).unwrap();
    assert!(reader.read_to_end().err().unwrap().to_string().contains("max_memory_bytes"));
}

/// A number as UTF-8 codes it.
fn coded_number(n: u32) -> Vec<u8> {
    char::from_u32(n).unwrap().to_string().into_bytes()
}

fn crc(bytes: &[u8], polynomial: u32, bits: u32) -> u32 {
    let top = 1 << (bits - 1);
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ (u32::from(*byte) << (bits - 8)), |sum, _| {
            let next = sum << 1;
            (if sum & top == 0 { next } else { next ^ polynomial }) & (top | (top - 1))
        })
    })
}

#[test]
fn a_name_says_what_has_no_header_and_a_note_says_so() {
    let bytes = std::fs::read(testdata("formats/clip.gsm")).unwrap();
    let named = AudioReader::from_bytes(bytes.clone(), Some("GSM"), &DecodeOptions::default()).unwrap();
    assert_eq!((named.info().codec.as_str(), named.info().sample_rate_hz), ("gsm", 8_000));
    assert!(named.warnings()[0].contains("raw audio (gsm, 8000 Hz, 1 channel)"), "{:?}", named.warnings());
    let said = AudioReader::from_bytes(bytes, Some("bin"), &raw(RawEncoding::Gsm)).unwrap();
    assert!(said.warnings().is_empty());

    let g722 = std::fs::read(testdata("formats/clip.g722")).unwrap();
    let error = AudioReader::from_bytes(g722, None, &raw(RawEncoding::G722)).err().unwrap();
    assert_eq!(error.to_string(), "g722 is always of 16000 Hz, the caller says 8000 Hz");
    let wave = std::fs::read(testdata(REFERENCE)).unwrap();
    let reader = AudioReader::from_bytes(wave, Some("gsm"), &DecodeOptions::default()).unwrap();
    assert_eq!(reader.info().container, "wave", "a header counts more than a name");
}

/// What a container says of where the audio starts and ends, whoever decodes it.
#[test]
fn opus_is_as_long_as_what_was_coded() {
    for name in ["clip.opus_12k_8khz.opus", "clip.opus_24k_16khz.webm", "clip.opus_32k_48khz.mp4"] {
        let n = decode(&testdata(&format!("formats/{name}")), &DecodeOptions::default()).legs[0].len();
        // A clip of 1.8 s; WebM and MP4 as ffmpeg writes them do not say where the last packet ends.
        assert!((86_400..=86_400 + 960).contains(&n), "{name}: {n} samples");
    }
}

/// An AMR file that was cut off, damaged, or put together of two.
#[test]
fn amr_files_say_what_they_lack() {
    let whole = std::fs::read(testdata("formats/clip.amr_nb_7.amr")).unwrap();
    let read = |bytes: Vec<u8>| {
        let mut reader = AudioReader::from_bytes(bytes, None, &DecodeOptions::default()).unwrap();
        let n = reader.read_to_end().unwrap()[0].len();
        (n, reader.warnings().to_vec())
    };
    assert_eq!(read(whole.clone()), (14_400, vec![]));
    let (n, notes) = read(whole[..whole.len() - 10].to_vec());
    assert_eq!((n, notes), (14_240, vec!["the file ends early: inside a frame".to_owned()]));
    let (n, notes) = read([whole.clone(), whole.clone()].concat());
    assert!(n == 28_800 && notes[0].starts_with("2 recordings stand in this file"), "{n}, {notes:?}");
    let mut damaged = whole.clone();
    // The bit of quality of the second frame.
    damaged[6 + 32] &= !0x04;
    let (n, notes) = read(damaged);
    assert!(n == 14_240 && notes[0].starts_with("1 broken or empty frames"), "{n}, {notes:?}");
    let (n, notes) = read([&whole[..6 + 3 * 32], &[0x74; 64]].concat());
    assert!(n == 480 && notes[0].contains("no AMR frame"), "{n}, {notes:?}");
}
