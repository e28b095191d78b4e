//! A site's calibration, from results of a scan to verdicts.

use std::fmt::Write as _;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
use veravox::decode::{AudioReader, DecodeOptions};
use veravox::evaluate::{Drift, Key, Scores};
use veravox::metrics::Bootstrap;
use veravox::report::{CallReport, FileReport, WindowReport};
use veravox::site::{FitOptions, Map, Material, Method, SiteCalibration};
use veravox::stream::StreamOptions;
use veravox::{CalibrationSource, Detector, DetectorOptions, ErrorKind, ThresholdChanges};

use crate::testdata;

/// About a normal deviate: the sum of twelve uniform draws.
fn deviate(random: &mut Xoshiro256PlusPlus) -> f64 {
    (0..12).map(|_| (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64).sum::<f64>() - 6.0
}

fn phone() -> Detector {
    Detector::builtin_named("phone").unwrap()
}

/// Results of calls whose windows' llrs are drawn around `people` or `machines`; the form is that of a real scan.
fn results(n: usize, people: f64, machines: f64, seed: u64) -> (String, String) {
    let call = testdata("calls/03-bank-card.alaw.wav");
    let real: CallReport = phone().scan_file(&call, &DecodeOptions::default()).unwrap();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut lines, mut key) = (String::new(), "file,label,speaker\n".to_owned());
    for number in 0..n {
        let is_spoof = number % 2 == 1;
        let mut call = real.clone();
        let leg = &mut call.legs[0];
        let middle = if is_spoof { machines } else { people } + 0.9 * deviate(&mut random);
        leg.windows = (0..3)
            .map(|window| WindowReport {
                start_seconds: f64::from(window) * 2.0,
                end_seconds: f64::from(window) * 2.0 + 4.0,
                llr: middle + 0.5 * deviate(&mut random),
                fresh_share: if window == 0 { 1.0 } else { 0.5 },
                reason: None,
                by_second: false,
            })
            .collect();
        leg.llr = Some(middle);
        let report = FileReport::new(format!("{number}.wav").as_ref(), call.head.clone(), Ok(call));
        lines += &(serde_json::to_string(&report).unwrap() + "\n");
        let label = if is_spoof { "spoof" } else { "bonafide" };
        writeln!(key, "{number}.wav,{label},s{}", number / 4).unwrap();
    }
    (lines, key)
}

fn labelled(n: usize, people: f64, machines: f64) -> Material {
    let (lines, key) = results(n, people, machines, 7);
    let scores = Scores::parse(&lines, "results", None).unwrap();
    Material::labelled(&[Key::parse(&key, "key").unwrap()], &scores).unwrap()
}

fn fitted(material: &Material, options: &FitOptions) -> veravox::Result<SiteCalibration> {
    SiteCalibration::fit(material, phone().manifests(), options)
}

#[test]
fn labelled_calls_bring_scores_back_to_what_they_claim() {
    // Both classes stand three too high.
    let material = labelled(400, 2.0, 5.0);
    for method in [Method::Affine, Method::Isotonic] {
        let calibration = fitted(&material, &FitOptions { method, ..FitOptions::default() }).unwrap();
        let (_, model) = calibration.by_model().next().unwrap();
        let (before, held_out) = (model.fit.before, model.fit.held_out.unwrap());
        assert!(before.cllr.unwrap() > 1.0, "{before:?}");
        assert!(held_out.cllr.unwrap() < 0.5 && held_out.act_dcf < before.act_dcf, "{held_out:?}");
        assert!(model.map(None).llr(3.5).abs() < 0.5, "the middle between the classes says nothing: {:?}", model.map);
        assert_eq!((model.fit.grouped_by.as_str(), model.fit.n_bonafide), ("speaker", 200));
    }
}

#[test]
fn bona_fide_calls_alone_end_false_alarms() {
    let (lines, _) = results(400, 2.0, 2.0, 1);
    let scores = Scores::parse(&lines, "results", None).unwrap();
    let calibration = fitted(&Material::bonafide(&scores, None).unwrap(), &FitOptions::default()).unwrap();
    let (_, model) = calibration.by_model().next().unwrap();
    assert!(model.fit.before.false_alarm > 0.1, "{:?}", model.fit.before);
    assert!(model.fit.held_out.unwrap().false_alarm <= 0.02, "{:?}", model.fit.held_out);
    assert_eq!(model.map, Map::Identity {});
    let threshold = model.synthetic_llr.unwrap();

    let detector = phone().with_calibration(calibration.clone()).unwrap();
    assert!((detector.thresholds(8_000).synthetic_llr - threshold).abs() < 1e-12);
    let call = testdata("calls/03-bank-card.alaw.wav");
    let report = detector.scan_file(&call, &DecodeOptions::default()).unwrap();
    assert_eq!(report.head.calibration.as_ref().unwrap().digest, calibration.digest());
    assert!(report.legs[0].people_above.is_some_and(|share| share > 0.0 && share <= 1.0));
    // A target of the user's own, and one that 400 legs cannot show.
    let other = detector.clone().with_target_false_alarm(0.1).unwrap();
    assert!(other.thresholds(8_000).synthetic_llr < threshold);
    assert_eq!(detector.with_target_false_alarm(0.001).err().unwrap().kind(), ErrorKind::InvalidArgument);
    assert!(phone().with_target_false_alarm(0.1).is_err(), "without a calibration nothing is known of people");
}

/// A recording, a capture, and a call that is watched while it is read: each leg by the map of its codec.
#[test]
fn a_map_for_a_codec_holds_for_legs_of_recordings_that_are_scanned_or_watched() {
    let ((high, high_key), (low, low_key)) = (results(400, 2.0, 5.0, 1), results(400, -2.0, 1.0, 2));
    let of_mu_law = |text: &str| text.replace("pcm_alaw", "pcm_mulaw").replace(".wav", ".mu.wav");
    let scores = Scores::parse(&(high + &of_mu_law(&low)), "results", None).unwrap();
    let keys = [high_key, of_mu_law(&low_key)].map(|key| Key::parse(&key, "key").unwrap());
    let material = Material::labelled(&keys, &scores).unwrap();
    let by_codec = fitted(&material, &FitOptions { by_codec: true, ..FitOptions::default() }).unwrap();
    let (_, of_phone) = by_codec.by_model().next().unwrap();
    assert!(
        of_phone.map(Some("pcm_mulaw")).llr(0.0) > of_phone.map(Some("pcm_alaw")).llr(0.0) + 2.0,
        "{:?}",
        of_phone.lines
    );
    let mu_law = testdata("captures/g711.mishaps.pcap");
    let a_law = testdata("calls/03-bank-card.alaw.wav");
    for (call, codec) in [(mu_law, "pcm_mulaw"), (a_law, "pcm_alaw")] {
        let llrs = |detector: &Detector, watched: bool| -> Vec<f64> {
            let mut reader = AudioReader::open(&call, &DecodeOptions::default()).unwrap();
            let legs = if watched {
                let options = StreamOptions { update_seconds: None, first_look_seconds: None, ..StreamOptions::live() };
                let mut streams = detector.streams_of(&reader, &options).unwrap();
                while let Some(chunk) = reader.next_chunk().unwrap() {
                    for (leg, gap) in &chunk.gaps {
                        streams[*leg].miss(*gap).unwrap();
                    }
                    for (stream, samples) in streams.iter_mut().zip(&chunk.channels) {
                        stream.push(samples).unwrap();
                    }
                }
                streams.into_iter().map(|stream| stream.finish().unwrap()).collect()
            } else {
                detector.scan_reader(&mut reader, &mut |_| true).unwrap().legs
            };
            legs.iter().flat_map(|leg| leg.windows.iter().map(|window| window.llr)).collect()
        };
        for watched in [false, true] {
            let of_site = phone().with_calibration(by_codec.clone()).unwrap();
            let (plain, moved) = (llrs(&phone(), watched), llrs(&of_site, watched));
            assert!(!plain.is_empty());
            for (plain, moved) in plain.iter().zip(moved) {
                let wanted = of_phone.map(Some(codec)).llr(*plain);
                assert!((moved - wanted).abs() < 1e-4, "watched: {watched}; {moved} came, {wanted} expected");
            }
        }
    }
}

#[test]
fn options_open_what_the_steps_make_and_fail_in_their_order() {
    let (lines, _) = results(400, 2.0, 2.0, 1);
    let scores = Scores::parse(&lines, "results", None).unwrap();
    let calibration = fitted(&Material::bonafide(&scores, None).unwrap(), &FitOptions::default()).unwrap();
    let thresholds = ThresholdChanges { prior: Some(0.2), bonafide_llr: Some(-4.0), ..ThresholdChanges::default() };
    let options = DetectorOptions {
        model: Some("phone".into()),
        calibration: Some(CalibrationSource::Text(calibration.to_json())),
        target_false_alarm: Some(0.1),
        thresholds,
    };
    let by_hand = phone().with_calibration(calibration).unwrap().with_target_false_alarm(0.1).unwrap();
    let by_hand = by_hand.with_thresholds(thresholds).unwrap();
    assert_eq!(options.open().unwrap().thresholds(8_000), by_hand.thresholds(8_000));

    // All of it is wrong, and mended from the first to the last.
    let upside_down = ThresholdChanges { synthetic_llr: Some(-9.0), ..ThresholdChanges::default() };
    let missing = Some(CalibrationSource::File("/nowhere/site.json".into()));
    let mut wrong = DetectorOptions {
        model: Some("telegraph".into()),
        calibration: missing,
        target_false_alarm: Some(7.0),
        thresholds: upside_down,
    };
    let says = |wrong: &DetectorOptions, words: &str| {
        let said = wrong.open().err().unwrap().to_string();
        assert!(said.contains(words), "{said}");
    };
    says(&wrong, "there is no model \"telegraph\"");
    wrong.model = options.model;
    says(&wrong, "/nowhere/site.json");
    wrong.calibration = options.calibration;
    says(&wrong, "expected a target of false alarms inside (0, 1)");
    wrong.target_false_alarm = None;
    says(&wrong, "for the model phone");
}

#[test]
fn legs_of_a_model_that_is_not_in_use_are_left_out_and_counted() {
    let mut material = labelled(200, 2.0, 5.0);
    let (mut other, legs) = material.models.values().next().unwrap().clone();
    other.name = "wide".to_owned();
    material.models.insert("0".repeat(64), (other, legs[..7].to_vec()));
    let calibration = fitted(&material, &FitOptions::default()).unwrap();
    let models: Vec<_> = calibration.by_model().map(|(_, model)| model).collect();
    assert_eq!(models.len(), 1);
    assert!(models[0].fit.cautions.iter().any(|words| words.starts_with("7 legs that the model wide")));
    material.models.retain(|_, (model, _)| model.name == "wide");
    let error = fitted(&material, &FitOptions::default()).unwrap_err().to_string();
    assert!(error.contains("of the model wide") && error.contains("not the one in use"), "{error}");
}

#[test]
fn a_calibration_moves_every_window_and_streams_like_files() {
    let material = labelled(200, 2.0, 5.0);
    let calibration = fitted(&material, &FitOptions::default()).unwrap();
    let map = calibration.by_model().next().unwrap().1.map.clone();
    let again = SiteCalibration::parse(&calibration.to_json()).unwrap();
    assert_eq!(again, calibration);
    let (plain, site) = (phone(), phone().with_calibration(again).unwrap());
    let call = testdata("calls/03-bank-card.alaw.wav");
    let windows = |detector: &Detector| {
        detector.scan_file(&call, &DecodeOptions::default()).unwrap().legs[0]
            .windows
            .iter()
            .map(|w| w.llr)
            .collect::<Vec<_>>()
    };
    for (before, after) in windows(&plain).into_iter().zip(windows(&site)) {
        assert!((map.llr(before) - after).abs() < 1e-5, "{before} {after}");
    }
}

#[test]
fn files_of_others_and_edited_files_are_refused() {
    let calibration = fitted(&labelled(100, 0.0, 3.0), &FitOptions::default()).unwrap();
    let refused = Detector::builtin_named("wide").unwrap().with_calibration(calibration.clone()).err().unwrap();
    assert!(refused.to_string().contains("was made for the model phone"), "{refused}");
    let text = calibration.to_json();
    for (from, to, words) in [
        ("\"name\": \"site\"", "\"name\": \"size\"", "changed after it was made"),
        ("\"schema_version\": 1", "\"schema_version\": 2", "schema_version must be 1"),
        ("\"digest\"", "\"digested\"", "it has no digest"),
        ("{", "[", "not JSON"),
    ] {
        let error = SiteCalibration::parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    // Spaces are no change.
    assert!(SiteCalibration::parse(&text.replace("  ", "")).is_ok());
}

#[test]
fn what_cannot_be_fitted_is_said() {
    let words = |material: &Material| fitted(material, &FitOptions::default()).unwrap_err().to_string();
    assert!(words(&labelled(20, 0.0, 3.0)).contains("too few"));
    assert!(words(&labelled(200, 3.0, -3.0)).contains("point the wrong way"));
    let (lines, _) = results(100, 0.0, 0.0, 1);
    let scores = Scores::parse(&lines, "results", None).unwrap();
    let people = Material::bonafide(&scores, None).unwrap();
    let strict = FitOptions { target_false_alarm: Some(0.01), ..FitOptions::default() };
    assert!(fitted(&people, &strict).unwrap_err().to_string().contains("takes 299"));
    let other = Scores::parse(&lines.replace("\"sha256\":\"", "\"sha256\":\"00"), "results", None).unwrap();
    let of_another = Material::bonafide(&other, None).unwrap();
    assert!(words(&of_another).contains("not the one in use"));
}

#[test]
fn drift_is_named_and_chance_is_not() {
    let scores = |people, seed| Scores::parse(&results(300, people, people, seed).0, "results", None).unwrap();
    let quick = Bootstrap { rounds: 200, ..Bootstrap::default() };
    let same = Drift::between(&scores(0.0, 1), &scores(0.0, 2), &quick).unwrap();
    assert!(!same.due && same.verdict.starts_with("No recalibration"), "{}", same.verdict);
    let moved = Drift::between(&scores(0.0, 1), &scores(1.0, 2), &quick).unwrap();
    assert!(moved.due && moved.verdict.contains("score higher"), "{}", moved.verdict);
    assert!(moved.shifts[0].low > 0.3 && moved.shifts[0].high < 0.8, "{:?}", moved.shifts[0]);
    let few = Scores::parse(&results(20, 0.0, 0.0, 1).0, "results", None).unwrap();
    assert!(Drift::between(&few, &scores(0.0, 1), &quick).unwrap_err().to_string().contains("too few"));
}
