//! The figures of merit: against the evaluation package of `ASVspoof` 5 (`testdata/vectors/metrics.json`), against an
//! oracle that tries every threshold and every pair, and for what must not change them.

use proptest::prelude::*;
use serde_json::Value;
use veravox::ErrorKind;
use veravox::metrics::{Bootstrap, Costs, Figure, Trials, act_dcf, auc, cllr, det_curve, eer, min_cllr, min_dcf};

use crate::testdata;

fn scores(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|score| score.as_f64().unwrap()).collect()
}

fn names(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn figures_are_those_of_the_evaluation_package() {
    let text = std::fs::read_to_string(testdata("vectors/metrics.json")).unwrap();
    let vector: Value = serde_json::from_str(&text).unwrap();
    let tolerance = vector["tolerance"]["absolute"].as_f64().unwrap();
    let mut compared = 0;
    for case in vector["cases"].as_array().unwrap() {
        let costs: Costs = serde_json::from_value(case["parameters"].clone()).unwrap();
        let input = &case["input"];
        let (bonafide, spoof) = (scores(&input["bonafide"]), scores(&input["spoof"]));
        // Without groups each clip is one of its own.
        let groups = |key: &str, n: usize| match &input[key] {
            Value::Null => (0..n).map(|clip| format!("{key} {clip}")).collect(),
            given => names(given),
        };
        let bonafide_groups = groups("bonafide_groups", bonafide.len());
        let spoof_groups = groups("spoof_groups", spoof.len());
        let trials = Trials::new(&bonafide, &bonafide_groups, &spoof, &spoof_groups).unwrap();
        let trials = trials.with_costs(costs).unwrap();
        for (name, expected) in case["expected"].as_object().unwrap() {
            let expected = expected.as_f64().unwrap();
            let bare = match name.as_str() {
                "eer" => Some(eer(&bonafide, &spoof)),
                "auc" => Some(auc(&bonafide, &spoof)),
                "cllr" => Some(cllr(&bonafide, &spoof)),
                "min_cllr" => Some(min_cllr(&bonafide, &spoof)),
                "min_dcf" => Some(min_dcf(&bonafide, &spoof, &costs)),
                "act_dcf" => Some(act_dcf(&bonafide, &spoof, &costs)),
                _ => None,
            };
            let grouped = trials.value(name.parse().unwrap());
            for got in bare.into_iter().chain([grouped]) {
                let got = got.unwrap();
                assert!((got - expected).abs() <= tolerance, "{}: {name} is {got}, expected {expected}", case["name"]);
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "only {compared} figures were compared");
}

/// FRR and FAR where each clip at or above `threshold` is rejected.
fn rates(bonafide: &[f64], spoof: &[f64], threshold: f64) -> (f64, f64) {
    let rejected = bonafide.iter().filter(|s| **s >= threshold).count() as f64 / bonafide.len() as f64;
    (rejected, spoof.iter().filter(|s| **s < threshold).count() as f64 / spoof.len() as f64)
}

/// Ties are pessimistic: a hair below each tied spoof stands each tied bona fide clip. Ranks make room for the hair.
fn eer_by_trying_all(bonafide: &[f64], spoof: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool, usize)> = bonafide.iter().enumerate().map(|(n, s)| (*s, false, n)).collect();
    all.extend(spoof.iter().enumerate().map(|(n, s)| (*s, true, n)));
    all.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap().then(a.1.cmp(&b.1)));
    let mut ranks = [vec![0.0; bonafide.len()], vec![0.0; spoof.len()]];
    for (rank, (_, spoof, n)) in all.iter().enumerate() {
        ranks[usize::from(*spoof)][*n] = -(rank as f64);
    }
    let thresholds = (0..=all.len()).map(|rank| 0.5 - rank as f64);
    let rates: Vec<_> = thresholds.map(|threshold| rates(&ranks[0], &ranks[1], threshold)).collect();
    let closest = rates.iter().map(|(frr, far)| (frr - far).abs()).fold(f64::INFINITY, f64::min);
    let (frr, far) = rates.iter().find(|(frr, far)| (frr - far).abs() == closest).unwrap();
    f64::midpoint(*frr, *far)
}

fn auc_of_all_pairs(bonafide: &[f64], spoof: &[f64]) -> f64 {
    let won = |s: &f64| bonafide.iter().map(|b| if s > b { 1.0 } else { f64::from(s == b) / 2.0 }).sum::<f64>();
    spoof.iter().map(won).sum::<f64>() / (bonafide.len() * spoof.len()) as f64
}

fn min_dcf_by_trying_all(bonafide: &[f64], spoof: &[f64], costs: &Costs) -> f64 {
    let thresholds = bonafide.iter().chain(spoof).copied();
    let (rejecting, accepting) =
        (costs.reject_bonafide * (1.0 - costs.spoof_prior), costs.accept_spoof * costs.spoof_prior);
    let cost = |(frr, far): (f64, f64)| (rejecting * frr + accepting * far) / rejecting.min(accepting);
    thresholds.map(|threshold| cost(rates(bonafide, spoof, threshold))).fold(cost((0.0, 1.0)), f64::min)
}

/// Isotonic regression by its min-max formula: the largest mean of those that begin here or below, of the smallest that end
/// here or above.
fn min_cllr_by_the_min_max_formula(bonafide: &[f64], spoof: &[f64]) -> f64 {
    let mut levels: Vec<f64> = bonafide.iter().chain(spoof).copied().collect();
    levels.sort_by(|a, b| a.partial_cmp(b).unwrap());
    levels.dedup();
    let between =
        |scores: &[f64], from: f64, to: f64| scores.iter().filter(|s| **s >= from && **s <= to).count() as f64;
    let share = |from: f64, to: f64| {
        let spoofs = between(spoof, from, to);
        spoofs / (spoofs + between(bonafide, from, to))
    };
    let mut bits = 0.0;
    for (at, level) in levels.iter().enumerate() {
        let to_above = |from: f64| levels[at..].iter().map(|to| share(from, *to)).fold(f64::INFINITY, f64::min);
        let share = levels[..=at].iter().map(|from| to_above(*from)).fold(0.0, f64::max);
        let ratio = share / (1.0 - share) * bonafide.len() as f64 / spoof.len() as f64;
        let (b, s) = (between(bonafide, *level, *level), between(spoof, *level, *level));
        bits += if b > 0.0 { b / bonafide.len() as f64 * (1.0 + ratio).log2() } else { 0.0 };
        bits += if s > 0.0 { s / spoof.len() as f64 * (1.0 + 1.0 / ratio).log2() } else { 0.0 };
    }
    bits / 2.0
}

/// Scores that tie often, seldom or at infinity.
fn some_scores() -> impl Strategy<Value = Vec<f64>> {
    let score = prop_oneof![
        8 => (-4..=4_i32).prop_map(f64::from),
        8 => -3.0..3.0_f64,
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(-0.0),
    ];
    proptest::collection::vec(score, 1..24)
}

fn some_costs() -> impl Strategy<Value = Costs> {
    (0.01..0.99_f64, 0.1..20.0_f64, 0.1..20.0_f64).prop_map(|(spoof_prior, reject_bonafide, accept_spoof)| Costs {
        spoof_prior,
        reject_bonafide,
        accept_spoof,
    })
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

proptest! {
    #[test]
    fn figures_are_those_of_all_thresholds_and_pairs(b in some_scores(), s in some_scores(), costs in some_costs()) {
        prop_assert_eq!(eer(&b, &s).unwrap(), eer_by_trying_all(&b, &s));
        prop_assert!(near(auc(&b, &s).unwrap(), auc_of_all_pairs(&b, &s)));
        prop_assert!(near(min_dcf(&b, &s, &costs).unwrap(), min_dcf_by_trying_all(&b, &s, &costs)));
        prop_assert!(near(min_cllr(&b, &s).unwrap(), min_cllr_by_the_min_max_formula(&b, &s)));
        for point in det_curve(&b, &s).unwrap() {
            if point.threshold < f64::INFINITY {
                prop_assert_eq!((point.bonafide_rejected, point.spoof_accepted), rates(&b, &s, point.threshold));
            }
        }
    }

    #[test]
    fn what_keeps_the_order_keeps_the_figures_of_the_order(b in some_scores(), s in some_scores()) {
        let costs = Costs::default();
        let bent = |scores: &[f64]| scores.iter().map(|x| (x / 3.0).exp() - 7.0).collect::<Vec<_>>();
        let (b2, s2) = (bent(&b), bent(&s));
        prop_assert_eq!(eer(&b, &s).unwrap(), eer(&b2, &s2).unwrap());
        prop_assert_eq!(auc(&b, &s).unwrap(), auc(&b2, &s2).unwrap());
        prop_assert_eq!(min_dcf(&b, &s, &costs).unwrap(), min_dcf(&b2, &s2, &costs).unwrap());
        prop_assert_eq!(min_cllr(&b, &s).unwrap(), min_cllr(&b2, &s2).unwrap());
    }

    /// Looking for the other class, by scores of the other sign, is the same task: costs and prior change places.
    #[test]
    fn the_classes_and_the_sign_can_be_swapped_together(b in some_scores(), s in some_scores(), costs in some_costs()) {
        let minus = |scores: &[f64]| scores.iter().map(|x| -x).collect::<Vec<_>>();
        let (b2, s2) = (minus(&s), minus(&b));
        let swapped = Costs {
            spoof_prior: 1.0 - costs.spoof_prior,
            reject_bonafide: costs.accept_spoof,
            accept_spoof: costs.reject_bonafide,
        };
        prop_assert!(near(auc(&b, &s).unwrap(), auc(&b2, &s2).unwrap()));
        prop_assert!(near(min_dcf(&b, &s, &costs).unwrap(), min_dcf(&b2, &s2, &swapped).unwrap()));
        prop_assert!(near(min_cllr(&b, &s).unwrap(), min_cllr(&b2, &s2).unwrap()));
        let (bits, bits2) = (cllr(&b, &s).unwrap(), cllr(&b2, &s2).unwrap());
        prop_assert!(bits == bits2 || near(bits, bits2));
        // Of two thresholds where the rates are equally close the first counts, and that is the other one.
        let step = 1.0 / b.len() as f64 + 1.0 / s.len() as f64;
        prop_assert!((eer(&b, &s).unwrap() - eer(&b2, &s2).unwrap()).abs() <= step);
    }

    #[test]
    fn the_least_costs_are_no_more_than_the_actual_ones_and_inside_their_ranges(b in some_scores(), s in some_scores(), costs in some_costs()) {
        let least = min_dcf(&b, &s, &costs).unwrap();
        prop_assert!((0.0..=1.0).contains(&least));
        prop_assert!(least <= act_dcf(&b, &s, &costs).unwrap() + 1e-12);
        let least = min_cllr(&b, &s).unwrap();
        prop_assert!((0.0..=1.0 + 1e-12).contains(&least));
        prop_assert!(least <= cllr(&b, &s).unwrap() + 1e-12);
    }

    /// A group that is drawn three times counts like three groups: what the bootstrap rests on.
    #[test]
    fn groups_that_count_several_times_are_as_good_as_copies(b in some_scores(), s in some_scores(), seed in 0..50_u64) {
        let groups = |scores: &[f64]| (0..scores.len()).map(|n| format!("{}", n % 4)).collect::<Vec<_>>();
        let (bg, sg) = (groups(&b), groups(&s));
        let trials = Trials::new(&b, &bg, &s, &sg).unwrap();
        for figure in [Figure::Eer, Figure::MeanEerOverSystems, Figure::Auc, Figure::Cllr, Figure::MinCllr, Figure::MinDcf, Figure::ActDcf] {
            let one = Bootstrap { rounds: 1, seed, ..Bootstrap::default() };
            let mut drawn = Vec::new();
            let n_groups = [b.len().min(4), s.len().min(4)];
            one.interval(&n_groups, |times| { drawn = times.to_vec(); 0.0 }).unwrap();
            let copied = |scores: &[f64], times: &[u32]| {
                let copies = |n: usize| (0..times[n % 4]).map(move |copy| (scores[n], format!("{} {copy}", n % 4)));
                (0..scores.len()).flat_map(copies).unzip::<_, _, Vec<f64>, Vec<String>>()
            };
            let ((b2, bg2), (s2, sg2)) = (copied(&b, &drawn[0]), copied(&s, &drawn[1]));
            let expected = Trials::new(&b2, &bg2, &s2, &sg2).unwrap().value(figure).unwrap();
            let got = trials.estimate(figure, &one).unwrap();
            prop_assert!(got.low == got.high && (got.low == expected || near(got.low, expected)), "{figure}: {got:?}, {expected}");
        }
    }
}

/// Normal scores in groups that differ from each other by as much as the clips of one differ.
fn grouped(n_groups: usize, size: usize, mean: f64, seed: u64) -> (Vec<f64>, Vec<String>) {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    let (mut scores, mut groups) = (Vec::new(), Vec::new());
    for group in 0..n_groups {
        let of_group = normal();
        for _ in 0..size {
            scores.push(mean + of_group + normal());
            groups.push(format!("group {group}"));
        }
    }
    (scores, groups)
}

#[test]
fn the_same_seed_draws_the_same_interval_everywhere() {
    let (b, bg) = grouped(13, 6, -1.0, 1);
    let (s, sg) = grouped(17, 5, 1.0, 2);
    let trials = Trials::new(&b, &bg, &s, &sg).unwrap();
    let estimate =
        |seed| trials.estimate(Figure::Auc, &Bootstrap { rounds: 200, seed, ..Bootstrap::default() }).unwrap();
    assert_eq!(estimate(7), estimate(7));
    assert_ne!(estimate(7), estimate(8));
    let shuffled = |values: &[f64], groups: &[String]| {
        let order = (0..values.len()).map(|n| (n * 7 + 3) % values.len());
        order.map(|n| (values[n], groups[n].clone())).unzip::<_, _, Vec<_>, Vec<_>>()
    };
    let ((b, bg), (s, sg)) = (shuffled(&b, &bg), shuffled(&s, &sg));
    let again = Trials::new(&b, &bg, &s, &sg).unwrap();
    let again = again.estimate(Figure::Auc, &Bootstrap { rounds: 200, seed: 7, ..Bootstrap::default() }).unwrap();
    assert_eq!(again, estimate(7), "the order of the clips is of no account");
    // The draws themselves, so that a change of generator does not go unseen.
    let mut first = Vec::new();
    let one = Bootstrap { rounds: 1, ..Bootstrap::default() };
    one.interval(&[10], |times| {
        first.clone_from(&times[0]);
        0.0
    })
    .unwrap();
    assert_eq!(first, FIRST_DRAW);
}

/// The slow way: every clip is copied as often as its group was drawn, and each figure computed anew from the copies.
#[test]
fn intervals_are_those_of_clips_that_are_copied_and_sorted_again() {
    // Many ties, within the classes and across them.
    let coarse = |scores: Vec<f64>| scores.into_iter().map(|score| (4.0 * score).round() / 4.0).collect::<Vec<_>>();
    let ((b, b_groups), (s, s_groups)) = (grouped(13, 6, -1.0, 5), grouped(9, 11, 1.0, 6));
    let (mut b, mut s) = (coarse(b), coarse(s));
    let numbers = |groups: &[String]| {
        let names: std::collections::BTreeSet<&String> = groups.iter().collect();
        groups.iter().map(|group| names.iter().position(|name| *name == group).unwrap()).collect::<Vec<_>>()
    };
    let in_groups = Trials::new(&b, &b_groups, &s, &s_groups).unwrap();
    assert_as_by_copies(&in_groups, (&b, &numbers(&b_groups)), (&s, &numbers(&s_groups)));
    // Where each clip stands for itself the highest score is the first group.
    let alone = Trials::of_clips(&b, &s).unwrap();
    b.sort_by(|x, y| y.total_cmp(x));
    s.sort_by(|x, y| y.total_cmp(x));
    let each = |scores: &[f64]| (0..scores.len()).collect::<Vec<_>>();
    assert_as_by_copies(&alone, (&b, &each(&b)), (&s, &each(&s)));
}

/// A figure of clips that each count once.
type Plain<'a> = dyn Fn(&[f64], &[f64]) -> veravox::Result<f64> + 'a;

fn assert_as_by_copies(trials: &Trials, (b, b_groups): (&[f64], &[usize]), (s, s_groups): (&[f64], &[usize])) {
    let copies = |scores: &[f64], groups: &[usize], times: &[u32]| {
        scores.iter().zip(groups).flat_map(|(score, group)| (0..times[*group]).map(|_| *score)).collect::<Vec<_>>()
    };
    let settings = Bootstrap { rounds: 200, ..Bootstrap::default() };
    let (n_bonafide, n_spoof) = trials.n_groups();
    let costs = Costs::default();
    let by_costs =
        |of: fn(&[f64], &[f64], &Costs) -> veravox::Result<f64>| move |b: &[f64], s: &[f64]| of(b, s, &costs);
    let ways: [(Figure, &Plain<'_>); 6] = [
        (Figure::Eer, &eer),
        (Figure::Auc, &auc),
        (Figure::MinDcf, &by_costs(min_dcf)),
        (Figure::ActDcf, &by_costs(act_dcf)),
        (Figure::Cllr, &cllr),
        (Figure::MinCllr, &min_cllr),
    ];
    let estimates = trials.estimates(&ways.map(|(figure, _)| figure), &settings).unwrap();
    for ((figure, plain), found) in ways.into_iter().zip(estimates) {
        let of_round =
            |times: &[Vec<u32>]| plain(&copies(b, b_groups, &times[0]), &copies(s, s_groups, &times[1])).unwrap();
        let (low, high) = settings.interval(&[n_bonafide, n_spoof], of_round).unwrap();
        assert!(
            (found.low - low).abs() < 1e-12 && (found.high - high).abs() < 1e-12,
            "{figure}: {found:?}, {low}, {high}"
        );
        assert!((found.value - plain(b, s).unwrap()).abs() < 1e-12);
        assert_eq!(trials.estimate(figure, &settings).unwrap(), found);
    }
}

/// By xoshiro256++ seeded by splitmix64 from 0, written out apart from this library.
const FIRST_DRAW: [u32; 10] = [3, 0, 1, 3, 1, 0, 0, 0, 2, 0];

/// Of many worlds, the true mean lies in the interval in about as many as the confidence says.
#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    let n_worlds = 300;
    let settings = Bootstrap { rounds: 300, confidence: 0.9, seed: 3 };
    let covered = (0..n_worlds).filter(|world| {
        let (values, groups) = grouped(30, 4, 0.0, 1_000 + world);
        let estimate = settings.mean(&values, &groups).unwrap();
        estimate.low <= 0.0 && 0.0 <= estimate.high
    });
    let share = covered.count() as f64 / n_worlds as f64;
    assert!((0.83..0.95).contains(&share), "{share} of 0.9");
    let clip_by_clip = (0..n_worlds).filter(|world| {
        let (values, _) = grouped(30, 4, 0.0, 1_000 + world);
        let single: Vec<String> = (0..values.len()).map(|n| n.to_string()).collect();
        let estimate = settings.mean(&values, &single).unwrap();
        estimate.low <= 0.0 && 0.0 <= estimate.high
    });
    assert!(clip_by_clip.count() as f64 / (n_worlds as f64) < share - 0.1, "drawing clips would be too narrow");
}

#[test]
fn a_mean_over_systems_and_its_interval_take_no_time() {
    let (b, bg) = grouped(52, 10, -1.0, 1);
    let (s, sg) = grouped(112, 5, 1.0, 2);
    let trials = Trials::new(&b, &bg, &s, &sg).unwrap();
    let begun = std::time::Instant::now();
    let estimate = trials.estimate(Figure::MeanEerOverSystems, &Bootstrap::default()).unwrap();
    crate::say(&format!("1000 rounds over 112 systems took {:?}", begun.elapsed()));
    assert!(begun.elapsed().as_secs_f64() < 2.0);
    assert!(estimate.low < estimate.value && estimate.value < estimate.high);
    let by_system = trials.eer_by_system();
    assert_eq!(by_system.len(), 112);
    let mean = by_system.iter().map(|(_, eer)| eer).sum::<f64>() / 112.0;
    assert!(near(mean, estimate.value));
}

#[test]
fn groups_that_hold_one_class_have_no_auc_inside() {
    let trials = Trials::new(&[0.0, 1.0, 9.0], &["p", "q", "r"], &[2.0, 0.5, -9.0], &["p", "q", "s"]).unwrap();
    assert_eq!(trials.value(Figure::AucInsideGroups).unwrap(), 0.5);
    let apart = Trials::new(&[0.0], &["p"], &[1.0], &["q"]).unwrap();
    assert!(apart.value(Figure::AucInsideGroups).unwrap_err().to_string().contains("no group holds scores of both"));
}

#[test]
fn what_cannot_be_is_said() {
    let settings = Bootstrap::default();
    let prior = |spoof_prior| Costs { spoof_prior, ..Costs::default() };
    let free = Costs { accept_spoof: 0.0, ..Costs::default() };
    let trials = || Trials::new(&[0.0], &["a"], &[1.0], &["b"]).unwrap();
    let errors = [
        (eer(&[], &[1.0]).unwrap_err(), "at least one bonafide score"),
        (auc(&[1.0], &[]).unwrap_err(), "at least one spoof score"),
        (cllr(&[1.0, f64::NAN], &[1.0]).unwrap_err(), "bonafide score 1 is not a number"),
        (min_cllr(&[1.0], &[f64::NAN]).unwrap_err(), "spoof score 0 is not a number"),
        (det_curve(&[], &[]).unwrap_err(), "at least one bonafide score"),
        (min_dcf(&[0.0], &[1.0], &prior(1.0)).unwrap_err(), "spoof_prior inside (0, 1), got 1"),
        (act_dcf(&[0.0], &[1.0], &prior(f64::NAN)).unwrap_err(), "got NaN"),
        (trials().with_costs(free).unwrap_err(), "accept_spoof above 0"),
        (Trials::new(&[0.0], &["a", "b"], &[1.0], &["b"]).unwrap_err(), "each of 1 bonafide scores, got 2"),
        ("f1".parse::<Figure>().unwrap_err(), "no figure \"f1\"; there are eer, mean_eer_over_systems,"),
        (settings.mean(&[], &[""; 0]).unwrap_err(), "at least one value score"),
        (settings.interval(&[3, 0], |_| 0.0).unwrap_err(), "at least one group"),
        (settings.interval(&[3], |_| f64::NAN).unwrap_err(), "no value in any round"),
        (Bootstrap { rounds: 0, ..settings }.interval(&[3], |_| 0.0).unwrap_err(), "at least one round"),
        (
            Bootstrap { confidence: 1.0, ..settings }.interval(&[3], |_| 0.0).unwrap_err(),
            "confidence inside (0, 1), got 1",
        ),
    ];
    for (error, words) in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains(words), "{error} does not say {words:?}");
    }
}
