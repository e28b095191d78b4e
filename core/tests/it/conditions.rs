//! What is no voice, or a spoilt one, is called so; and speech is not.
//!
//! The speech gate passes most of these sounds as voices, so the reasons must come from what the audio is.

use std::f64::consts::TAU;

use veravox::decode::DecodeOptions;
use veravox::{Decision, Detector, LegVerdict, Reason};

use crate::{Audio, decode, testdata};

const RATE_HZ: u32 = 8_000;
/// What only the audio, never the score, can give.
const OF_THE_AUDIO: [Reason; 6] = [
    Reason::NoSignal,
    Reason::MusicOrTones,
    Reason::Noise,
    Reason::Clipping,
    Reason::NarrowBand,
    Reason::InvalidSamples,
];

fn verdict_at(samples: &[f32], rate_hz: u32) -> LegVerdict {
    Detector::builtin().unwrap().scan_samples(&[samples], rate_hz).unwrap().remove(0)
}

fn verdict(samples: &[f32]) -> LegVerdict {
    verdict_at(samples, RATE_HZ)
}

fn of_the_audio(verdict: &LegVerdict) -> Vec<Reason> {
    verdict.reasons.iter().copied().filter(|reason| OF_THE_AUDIO.contains(reason)).collect()
}

fn assert_only(name: &str, verdict: &LegVerdict, reason: Reason) {
    assert_eq!(of_the_audio(verdict), [reason], "{name}: {:?}", verdict.reasons);
    assert_eq!(verdict.decision, Decision::Inconclusive, "{name}");
}

fn file(name: &str) -> Audio {
    decode(&testdata(name), &DecodeOptions::default())
}

fn sound(seconds: f64, at: impl Fn(f64) -> f64) -> Vec<f32> {
    (0..(seconds * f64::from(RATE_HZ)) as usize).map(|n| at(n as f64 / f64::from(RATE_HZ)) as f32).collect()
}

fn tone(hz: f64, t: f64) -> f64 {
    (TAU * hz * t).sin()
}

/// Gaussian enough: the sum of twelve.
fn white_noise(seconds: f64, level: f32) -> Vec<f32> {
    let mut state = 7_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
    };
    (0..(seconds * f64::from(RATE_HZ)) as usize).map(|_| level * (0..12).map(|_| uniform()).sum::<f32>()).collect()
}

/// Noise with its power falling towards high frequencies, as of wind or a car.
fn dull_noise(seconds: f64) -> Vec<f32> {
    let mut last = 0.0;
    let smooth = |sample: f32| {
        last = 0.9 * last + 0.1 * sample;
        last
    };
    white_noise(seconds, 0.3).into_iter().map(smooth).collect()
}

/// Two seconds of speech are too few for some of these: they are said again.
fn looped(samples: &[f32], seconds: usize) -> Vec<f32> {
    samples.iter().copied().cycle().take(seconds * RATE_HZ as usize).collect()
}

fn chord(notes: &[f64], t: f64) -> f64 {
    let note = |hz: f64| (1..5).map(|h| tone(hz * f64::from(h), t) / f64::from(h)).sum::<f64>();
    0.1 * notes.iter().map(|hz| note(*hz)).sum::<f64>()
}

#[test]
fn speech_on_the_phone_has_none_of_these_reasons() {
    let calls = ["calls", "calls/archive/2026-11"].map(|folder| std::fs::read_dir(testdata(folder)).unwrap());
    let mut n_legs = 0;
    for path in calls.into_iter().flatten().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() || name == "README.md" {
            continue;
        }
        for (leg, verdict) in
            Detector::builtin().unwrap().scan_file(&path, &DecodeOptions::default()).unwrap().legs.iter().enumerate()
        {
            // Hold music and a silent leg.
            if leg == 0 && (name.starts_with("11-") || name.starts_with("12-")) {
                continue;
            }
            assert_eq!(of_the_audio(verdict), [], "{name}, leg {leg}");
            assert!(verdict.speech_seconds > 5.0, "{name}, leg {leg}: {} s of speech", verdict.speech_seconds);
            n_legs += 1;
        }
    }
    assert!(n_legs >= 18, "{n_legs}");
}

#[test]
fn hold_music_is_no_voice() {
    let hold = &file("calls/11-clinic-on-hold.ogg").legs[0];
    assert_only("hold music", &verdict(hold), Reason::MusicOrTones);
    let chords = [[262.0, 330.0, 392.0], [220.0, 262.0, 330.0], [175.0, 220.0, 262.0], [196.0, 247.0, 294.0]];
    let music = sound(8.0, |t| chord(&chords[t as usize % 4], t));
    assert_only("chords", &verdict(&music), Reason::MusicOrTones);
}

#[test]
fn tones_of_the_telephone_are_no_voice() {
    let on = |period: f64, length: f64, t: f64| f64::from(u8::from(t % period < length));
    for (name, tones) in [
        ("440 Hz", sound(5.0, |t| 0.3 * tone(440.0, t))),
        ("dial tone", sound(5.0, |t| 0.2 * (tone(350.0, t) + tone(440.0, t)))),
        ("engaged tone", sound(6.0, |t| 0.3 * on(1.0, 0.5, t) * tone(425.0, t))),
        ("ringing tone", sound(12.0, |t| 0.3 * on(5.0, 1.0, t) * tone(425.0, t))),
        ("fax", sound(5.0, |t| 0.3 * tone(2_100.0, t))),
        ("mains hum", sound(5.0, |t| (1..12).map(|h| 0.05 * tone(50.0 * f64::from(h), t)).sum())),
        ("keypad", file("bad/dtmf.wav").legs.remove(0)),
    ] {
        assert_only(name, &verdict(&tones), Reason::MusicOrTones);
    }
}

#[test]
fn noise_is_no_voice_whatever_its_level_and_colour() {
    for (name, noise) in [
        ("loud", white_noise(5.0, 0.3)),
        ("soft", white_noise(5.0, 0.01)),
        ("dull", dull_noise(5.0)),
        ("through ADPCM", file("bad/white-noise.wav").legs.remove(0)),
    ] {
        assert_only(name, &verdict(&noise), Reason::Noise);
    }
}

#[test]
fn speech_in_noise_is_called_so_only_where_it_drowns() {
    let speech = &file("calls/03-bank-card.alaw.wav").legs[0];
    let rms = (speech.iter().map(|v| v * v).sum::<f32>() / speech.len() as f32).sqrt();
    let noisy = |snr_db: f32| {
        let noise = white_noise(speech.len() as f64 / f64::from(RATE_HZ), rms * 10.0_f32.powf(-snr_db / 20.0));
        speech.iter().zip(noise).map(|(speech, noise)| speech + noise).collect::<Vec<f32>>()
    };
    assert_eq!(of_the_audio(&verdict(&noisy(20.0))), []);
    assert_eq!(of_the_audio(&verdict(&noisy(10.0))), []);
    assert_only("5 dB under the noise", &verdict(&noisy(-5.0)), Reason::Noise);
}

#[test]
fn silence_has_no_signal() {
    // The idle codes of A-law and mu-law, a constant, and half a minute of nothing.
    let idle = sound(2.0, |t| tone(1_000.0, t).signum() * 8.0 / 32_768.0);
    for (name, silence) in [
        ("idle codes", idle),
        ("a constant", vec![0.3; 16_000]),
        ("zeros", vec![0.0; 240_000]),
        ("nothing", Vec::new()),
    ] {
        let verdict = verdict(&silence);
        assert_only(name, &verdict, Reason::NoSignal);
        assert_eq!(verdict.llr, None, "{name}");
    }
    let silent = file("calls/12-refund-one-way.alaw.wav");
    assert_only("the silent leg of a call", &verdict(&silent.legs[0]), Reason::NoSignal);
}

#[test]
fn speech_that_is_cut_off_at_full_scale_is_clipped() {
    let clipped = looped(&file("bad/clipped-speech.wav").legs[0], 6);
    assert_only("8 bits", &verdict(&clipped), Reason::Clipping);
    // The loudest code of mu-law lies 2 % under full scale.
    let mulaw: Vec<f32> = clipped.iter().map(|v| v.clamp(-32_124.0 / 32_768.0, 32_124.0 / 32_768.0)).collect();
    assert_only("mu-law", &verdict(&mulaw), Reason::Clipping);
    // Six times the samples are no more clipping.
    let few: Vec<f32> = looped(&file("formats/clip.pcm_s16.wav").legs[0], 6)
        .iter()
        .enumerate()
        .flat_map(|(n, v)| [if n % 1_500 < 3 { 1.0 } else { *v }; 6])
        .collect();
    assert_eq!(of_the_audio(&verdict_at(&few, 48_000)), []);
}

#[test]
fn an_offset_is_neither_tone_nor_noise_nor_clipping() {
    assert_eq!(of_the_audio(&verdict(&looped(&file("bad/dc-offset.wav").legs[0], 6))), []);
    // With pauses, whose offset is no background noise.
    let call = &file("calls/01-helpdesk-reset.mulaw.wav").legs[0];
    let shifted: Vec<f32> = call.iter().map(|v| v * 0.5 + 0.4).collect();
    assert_eq!(of_the_audio(&verdict(&shifted)), []);
}

#[test]
fn damaged_samples_are_counted() {
    let speech = &file("calls/03-bank-card.alaw.wav").legs[0];
    let damaged = |every: usize| {
        let spoil = |(n, v): (usize, &f32)| if n % every == 0 { [f32::NAN, f32::INFINITY][n / every % 2] } else { *v };
        verdict(&speech.iter().enumerate().map(spoil).collect::<Vec<_>>())
    };
    assert_only("one in 50", &damaged(50), Reason::InvalidSamples);
    let few = damaged(1_000);
    assert!(!few.reasons.contains(&Reason::InvalidSamples));
    assert!(few.llr.unwrap().is_finite());
}

#[test]
fn a_rate_below_the_models_own_is_a_narrow_band() {
    let speech = &file("calls/03-bank-card.alaw.wav").legs[0];
    assert_only("6 kHz", &verdict_at(speech, 6_000), Reason::NarrowBand);
    assert!(!verdict_at(speech, 7_500).reasons.contains(&Reason::NarrowBand));
}

/// A leg of 8 kHz through mu-law, as most calls come.
fn with(parts: &[&[f32]]) -> LegVerdict {
    verdict(&parts.concat())
}

#[test]
fn a_tone_costs_no_verdict() {
    let call = &file("calls/03-bank-card.alaw.wav").legs[0];
    let alone = verdict(call);
    assert_eq!(of_the_audio(&alone), []);
    let on = |period: f64, length: f64, t: f64| f64::from(u8::from(t % period < length));
    let silence = vec![0.0; 8_000];
    for (name, tones) in [
        ("American ringing tone", sound(6.0, |t| 0.2 * on(6.0, 2.0, t) * (tone(440.0, t) + tone(480.0, t)))),
        ("voicemail beep", sound(1.0, |t| 0.5 * tone(1_000.0, t))),
        ("beeps in digital silence", sound(6.0, |t| 0.5 * on(1.0, 0.5, t) * tone(1_400.0, t))),
        ("engaged tone", sound(5.0, |t| 0.3 * on(1.0, 0.5, t) * tone(425.0, t))),
    ] {
        for (place, parts) in [("before", [&tones[..], &silence, call]), ("after", [call, &silence, &tones])] {
            let verdict = with(&parts);
            assert_eq!(of_the_audio(&verdict), [], "{name} {place}");
            let seconds = verdict.speech_seconds - alone.speech_seconds;
            assert!(seconds.abs() < 2.0, "{name} {place}: {seconds} s more of speech");
        }
    }
}

#[test]
fn a_second_of_noise_or_of_damage_costs_no_verdict() {
    let call = looped(&file("calls/03-bank-card.alaw.wav").legs[0], 60);
    let noise = white_noise(1.0, 0.3);
    assert_eq!(of_the_audio(&with(&[&noise, &call])), []);
    let damaged = vec![f32::NAN; 8_000];
    assert_eq!(of_the_audio(&with(&[&call, &damaged, &call])), []);
}

#[test]
fn audio_that_was_misread_gets_no_verdict_and_says_so() {
    let call = &file("calls/04-parcel-driver.pcm16.wav").legs[0];
    let swapped: Vec<f32> = call.iter().map(|v| f32::from(((v * 32_768.0) as i16).swap_bytes()) / 32_768.0).collect();
    let verdict = verdict(&swapped);
    assert!(verdict.reasons.contains(&Reason::Misread), "{:?}", verdict.reasons);
    assert!(verdict.notes[0].contains("bytes"), "{:?}", verdict.notes);
}
