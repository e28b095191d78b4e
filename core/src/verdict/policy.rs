//! When is the evidence enough? The sequential test that turns window scores into a verdict while a call goes on.
//!
//! **Evidence.** Windows of one voice over one line are anything but independent: they overlap, and what one says of the
//! voice and the line the next says again. So a sum of their llrs would overstate what is known. Each window counts by the
//! share of its speech that no window before it held, which deals with the overlap; `n` is the sum of these shares, the
//! number of windows' worth of speech. What is left is the correlation `r` of windows that share no audio, which the model's
//! manifest states (`calibration.correlation`, measured on calls). `n` values with a common correlation `r` tell as much as
//! `n / (1 + (n - 1) r)` independent ones (Kish, Survey Sampling, 1965: the design effect), so
//!
//! ```text
//! llr = mean llr of the windows * n / (1 + (n - 1) r)        for n > 1; the mean itself up to there
//! ```
//!
//! which rises from the mean to 1/r times the mean and no further: a voice that sounds a little odd for an hour is not
//! proof. At `r = 1`, the default of a manifest that does not say, it is the mean.
//!
//! **Decision.** Two of Page's tests run side by side (Page, Continuous inspection schemes, Biometrika 41, 1954), one towards
//! each answer. Each follows the run of windows since the evidence last spoke against it; where the llr of that run reaches
//! the threshold, the verdict is *firm*. The tests go on: when later the other one reaches its threshold, the voice has
//! *changed*. A test that only summed up from the start (Wald, Sequential Analysis, 1947) would need as long to notice that
//! a person has handed over to a machine as the person has spoken.
//!
//! **Thresholds** follow from a prior and costs ([`Thresholds::from_costs`]) or from error rates
//! ([`Thresholds::from_rates`]); the manifest has the model's.

use crate::verdict::decide::{Decision, Reason, Thresholds, WindowScore};

/// No verdict where more than this share of a leg's speech lies in windows unlike anything in training. Up to there such
/// windows count like any other.
const MAX_NOVEL_SHARE: f64 = 0.5;
/// A run that holds less than this many windows' worth of speech never makes a verdict firm: one odd hop is no proof that
/// the voice changed.
const MIN_RUN: f64 = 1.0;

/// What some windows say together.
#[derive(Debug, Clone, Copy, Default)]
struct Evidence {
    /// Windows' worth of speech, their llrs weighed by it, and the part that is unlike training.
    n: f64,
    sum: f64,
    novel: f64,
    /// First sample of the first window's fresh speech.
    start: u64,
}

impl Evidence {
    fn add(&mut self, window: &WindowScore) {
        if self.n <= 0.0 {
            self.start = window.fresh_from();
        }
        let share = f64::from(window.fresh_share);
        self.n += share;
        self.sum += share * f64::from(window.llr);
        self.novel += if window.novel { share } else { 0.0 };
    }

    fn llr(&self, correlation: f64) -> Option<f64> {
        let gain = |n: f64| if n > 1.0 { n / (1.0 + (n - 1.0) * correlation) } else { 1.0 };
        (self.n > 0.0).then(|| self.sum / self.n * gain(self.n))
    }
}

/// The verdict became firm, or the voice changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// What the voice is.
    pub decision: Decision,
    /// The sample, at the model's rate, where the windows that tell begin.
    pub since: u64,
    /// There was a firm verdict before, and it was the other one.
    pub changed: bool,
}

/// The running test of one leg.
///
/// ```
/// use veravox::decide::{Thresholds, WindowScore};
/// use veravox::policy::SequentialTest;
/// use veravox::Decision;
///
/// let thresholds = Thresholds { prior: 0.5, synthetic_llr: 2.0, bonafide_llr: -2.0 };
/// let mut test = SequentialTest::new(thresholds, 0.5);
/// let window = |n: u64, llr| WindowScore {
///     start: n * 8_000, end: n * 8_000 + 32_000, fresh_share: if n == 0 { 1.0 } else { 0.25 }, llr, novel: false,
/// };
/// assert_eq!(test.push(&window(0, 1.5)), None);
/// assert_eq!(test.decision().0, Decision::Inconclusive);
/// // Eight seconds of speech say 4/3 of what four said.
/// let turn = (1..=4).find_map(|n| test.push(&window(n, 1.5))).expect("enough evidence");
/// assert_eq!((turn.decision, turn.changed), (Decision::Synthetic, false));
/// assert_eq!(test.llr(), Some(2.0));
/// ```
#[derive(Debug, Clone)]
pub struct SequentialTest {
    thresholds: Thresholds,
    correlation: f64,
    /// Since the leg began, or the voice changed.
    voice: Evidence,
    toward_synthetic: Evidence,
    toward_bonafide: Evidence,
    /// Of windows that do not count, for want of any that do.
    doubtful: Evidence,
    firm: Option<Decision>,
    was_synthetic: bool,
}

impl SequentialTest {
    /// A test with these thresholds, for windows whose llrs have this correlation, from 0 to 1, where they share no audio.
    #[must_use]
    pub fn new(thresholds: Thresholds, correlation: f64) -> Self {
        Self {
            thresholds,
            correlation: correlation.clamp(0.0, 1.0),
            voice: Evidence::default(),
            toward_synthetic: Evidence::default(),
            toward_bonafide: Evidence::default(),
            doubtful: Evidence::default(),
            firm: None,
            was_synthetic: false,
        }
    }

    /// Takes the next window's score; tells whether the verdict became firm with it, or the voice changed.
    pub fn push(&mut self, window: &WindowScore) -> Option<Turn> {
        self.voice.add(window);
        self.toward_synthetic.add(window);
        self.toward_bonafide.add(window);
        let (synthetic, bonafide) = (self.bar(Decision::Synthetic), self.bar(Decision::Bonafide));
        let llr = |run: &Evidence| run.llr(self.correlation).unwrap_or(0.0);
        if llr(&self.toward_synthetic) <= synthetic.min(0.0) {
            self.toward_synthetic = Evidence::default();
        }
        if llr(&self.toward_bonafide) >= bonafide.max(0.0) {
            self.toward_bonafide = Evidence::default();
        }
        // By how much a run passes its bar; where both do at once, the one that does by more.
        let passes = |decision| match decision {
            Decision::Synthetic => {
                (self.toward_synthetic.n >= MIN_RUN).then(|| llr(&self.toward_synthetic) - synthetic)
            }
            _ => (self.toward_bonafide.n >= MIN_RUN).then(|| bonafide - llr(&self.toward_bonafide)),
        };
        let (_, decision) = [Decision::Synthetic, Decision::Bonafide]
            .into_iter()
            .filter(|decision| self.firm != Some(*decision))
            .filter_map(|decision| passes(decision).filter(|by| *by >= 0.0).map(|by| (by, decision)))
            .max_by(|(a, _), (b, _)| a.total_cmp(b))?;
        let run = if decision == Decision::Synthetic { self.toward_synthetic } else { self.toward_bonafide };
        let changed = self.firm.replace(decision).is_some();
        self.was_synthetic |= decision == Decision::Synthetic;
        if changed {
            self.voice = run;
        }
        // What was said before is no evidence that the voice has changed since.
        if decision == Decision::Synthetic {
            self.toward_bonafide = Evidence::default();
        } else {
            self.toward_synthetic = Evidence::default();
        }
        Some(Turn { decision, since: run.start, changed })
    }

    /// The llr that makes this decision firm. Where the prior is so uneven that one answer needs no evidence, a *change* to it
    /// does: as much, counted from 0, as lies between undecided and decided.
    fn bar(&self, decision: Decision) -> f64 {
        let Thresholds { synthetic_llr, bonafide_llr, .. } = self.thresholds;
        let (margin, changing) = ((synthetic_llr - bonafide_llr) / 2.0, self.firm.is_some_and(|firm| firm != decision));
        match decision {
            Decision::Synthetic if changing => synthetic_llr.max(margin),
            Decision::Synthetic => synthetic_llr,
            _ if changing => bonafide_llr.min(-margin),
            _ => bonafide_llr,
        }
    }

    /// Takes the score of a window that cannot count: less speech than a window, or a doubtful sound. It gives the leg an
    /// llr while there is no other, and never a firm verdict.
    pub fn push_doubtful(&mut self, window: &WindowScore) {
        self.doubtful.add(window);
    }

    /// The llr of the run of windows that speaks for a machine, where it is long enough to make a verdict firm.
    pub(crate) fn toward_synthetic(&self) -> Option<f64> {
        self.toward_synthetic.llr(self.correlation).filter(|_| self.toward_synthetic.n >= MIN_RUN)
    }

    /// Forgets the windows that do not count: what is to come replaces them.
    pub fn drop_doubtful(&mut self) {
        self.doubtful = Evidence::default();
    }

    /// The evidence so far, since the last change of the voice: a natural-log likelihood ratio, positive for synthetic.
    #[must_use]
    pub fn llr(&self) -> Option<f64> {
        self.evidence().llr(self.correlation)
    }

    fn evidence(&self) -> &Evidence {
        if self.voice.n > 0.0 { &self.voice } else { &self.doubtful }
    }

    /// Windows' worth of speech that count, since the last change of the voice.
    #[must_use]
    pub fn n_windows(&self) -> f64 {
        self.voice.n
    }

    /// The firm verdict on the voice that speaks now.
    #[must_use]
    pub fn firm(&self) -> Option<Decision> {
        self.firm
    }

    /// The decision on the leg if it ended now, and why it is inconclusive. Once a machine has spoken on a leg the leg is
    /// not called bona fide again, whoever speaks later.
    #[must_use]
    pub fn decision(&self) -> (Decision, Vec<Reason>) {
        let inconclusive = |reason| (Decision::Inconclusive, vec![reason]);
        let evidence = self.evidence();
        if evidence.novel > MAX_NOVEL_SHARE * evidence.n {
            return inconclusive(Reason::UnlikeTraining);
        }
        match (self.firm, self.llr()) {
            (Some(Decision::Bonafide), _) if self.was_synthetic => inconclusive(Reason::MixedVoices),
            (Some(firm), _) => (firm, Vec::new()),
            (None, None) => inconclusive(Reason::TooLittleSpeech),
            (None, Some(llr)) if llr >= self.thresholds.synthetic_llr => (Decision::Synthetic, Vec::new()),
            (None, Some(llr)) if llr <= self.thresholds.bonafide_llr => (Decision::Bonafide, Vec::new()),
            (None, Some(_)) => inconclusive(Reason::Undecided),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const THRESHOLDS: Thresholds = Thresholds { prior: 0.5, synthetic_llr: 2.0, bonafide_llr: -2.0 };

    fn window(n: usize, llr: f32) -> WindowScore {
        let start = n as u64 * 100;
        WindowScore { start, end: start + 400, fresh_share: if n == 0 { 1.0 } else { 0.25 }, llr, novel: false }
    }

    fn turns(test: &mut SequentialTest, llrs: &[f32]) -> Vec<(usize, Turn)> {
        llrs.iter().enumerate().filter_map(|(n, llr)| test.push(&window(n, *llr)).map(|turn| (n, turn))).collect()
    }

    #[test]
    fn one_window_counts_as_it_is() {
        for (llr, decision) in [(2.0, Decision::Synthetic), (-2.0, Decision::Bonafide), (1.9, Decision::Inconclusive)] {
            let mut test = SequentialTest::new(THRESHOLDS, 0.5);
            test.push(&window(0, llr));
            assert_eq!(test.decision().0, decision);
            assert_eq!(test.llr(), Some(f64::from(llr)));
            assert_eq!(test.firm().is_some(), decision != Decision::Inconclusive);
        }
    }

    #[test]
    fn evidence_grows_to_a_bound() {
        let mut test = SequentialTest::new(THRESHOLDS, 0.5);
        let mut before = 0.0;
        for n in 0..4_000 {
            test.push(&window(n, 1.0));
            let llr = test.llr().unwrap();
            assert!(llr >= before && llr < 2.0, "{llr} after {n}");
            before = llr;
        }
        assert!(before > 1.99);
        assert_eq!(test.firm(), None, "the bound lies at the threshold");
    }

    #[test]
    fn wholly_correlated_windows_say_what_one_says() {
        let mut test = SequentialTest::new(THRESHOLDS, 1.0);
        turns(&mut test, &[1.0; 100]);
        assert!((test.llr().unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_person_who_hands_over_to_a_machine_is_noticed_however_long_they_spoke() {
        for n_before in [8, 2_000] {
            let mut test = SequentialTest::new(THRESHOLDS, 0.5);
            let mut llrs = vec![-2.5; n_before];
            llrs.extend([3.0; 6]);
            let turns = turns(&mut test, &llrs);
            let decisions: Vec<_> = turns.iter().map(|(_, turn)| (turn.decision, turn.changed)).collect();
            assert_eq!(decisions, [(Decision::Bonafide, false), (Decision::Synthetic, true)]);
            let (at, turn) = turns[1];
            assert!(at < n_before + 5, "noticed after {at}");
            assert_eq!(turn.since, n_before as u64 * 100 + 300, "the first sample that no human window held");
            assert_eq!(test.decision().0, Decision::Synthetic);
        }
    }

    #[test]
    fn a_leg_on_which_a_machine_spoke_is_not_called_human_again() {
        let mut test = SequentialTest::new(THRESHOLDS, 0.5);
        let mut llrs = vec![3.0; 8];
        llrs.extend([-3.0; 40]);
        let turns = turns(&mut test, &llrs);
        assert_eq!(turns.last().map(|(_, turn)| (turn.decision, turn.changed)), Some((Decision::Bonafide, true)));
        assert_eq!(test.decision(), (Decision::Inconclusive, vec![Reason::MixedVoices]));
    }

    #[test]
    fn one_odd_hop_changes_nothing() {
        let mut test = SequentialTest::new(THRESHOLDS, 0.5);
        let mut llrs = vec![-2.5; 20];
        llrs.push(9.0);
        llrs.extend([-2.5; 20]);
        assert_eq!(turns(&mut test, &llrs).len(), 1);
        assert_eq!(test.decision().0, Decision::Bonafide);
    }

    #[test]
    fn doubtful_windows_give_an_llr_and_nothing_firm() {
        let mut test = SequentialTest::new(THRESHOLDS, 0.5);
        test.push_doubtful(&window(0, 3.0));
        assert_eq!((test.llr(), test.firm(), test.decision().0), (Some(3.0), None, Decision::Synthetic));
        test.push(&window(0, -0.5));
        assert_eq!((test.llr(), test.decision().0), (Some(-0.5), Decision::Inconclusive));
    }

    #[test]
    fn speech_unlike_training_gets_no_verdict() {
        let mut test = SequentialTest::new(THRESHOLDS, 0.5);
        test.push_doubtful(&WindowScore { novel: true, ..window(0, 9.0) });
        assert_eq!(test.decision(), (Decision::Inconclusive, vec![Reason::UnlikeTraining]), "nor a first look");
        test.push(&WindowScore { novel: true, ..window(0, 9.0) });
        assert_eq!(test.decision(), (Decision::Inconclusive, vec![Reason::UnlikeTraining]));
        for n in 1..=4 {
            test.push(&window(n, 9.0));
        }
        assert_eq!(test.decision().0, Decision::Synthetic);
    }

    /// At a prior of 1 % the answer is human unless the evidence says otherwise; its thresholds are both above 0.
    #[test]
    fn an_uneven_prior_needs_no_evidence_for_its_answer_and_some_to_change_to_it() {
        let rare = Thresholds { prior: 0.01, synthetic_llr: 6.3, bonafide_llr: 2.9 };
        let mut test = SequentialTest::new(rare, 0.5);
        assert_eq!(turns(&mut test, &[1.0; 400]).len(), 1);
        assert_eq!((test.firm(), test.decision().0), (Some(Decision::Bonafide), Decision::Bonafide));

        let mut test = SequentialTest::new(rare, 0.5);
        let mut llrs = vec![7.0; 20];
        llrs.extend([-0.01; 40]);
        assert_eq!(turns(&mut test, &llrs).len(), 1, "next to nothing is no evidence of a change");
        assert_eq!(test.decision().0, Decision::Synthetic);
        assert!(
            turns(&mut test, &[-3.0; 30]).iter().all(|(_, turn)| turn.changed && turn.decision == Decision::Bonafide)
        );
        assert_eq!(test.firm(), Some(Decision::Bonafide));
    }

    proptest! {
        /// The sign of all scores and thresholds turned round turns the answer round.
        #[test]
        fn the_two_directions_are_alike(
            llrs in prop::collection::vec(-6.0_f32..6.0, 1..60),
            centre in -4.0..4.0_f64,
            half in 0.5..3.0_f64,
        ) {
            let mirrored: Vec<f32> = llrs.iter().map(|llr| -llr).collect();
            let of = |centre: f64| Thresholds { prior: 0.5, synthetic_llr: centre + half, bonafide_llr: centre - half };
            let (mut test, mut other) = (SequentialTest::new(of(centre), 0.4), SequentialTest::new(of(-centre), 0.4));
            let (turns, others) = (turns(&mut test, &llrs), turns(&mut other, &mirrored));
            prop_assert_eq!(turns.len(), others.len());
            for ((at, turn), (other_at, other)) in turns.iter().zip(&others) {
                prop_assert_eq!((at, turn.since, turn.changed), (other_at, other.since, other.changed));
                prop_assert_ne!(turn.decision, other.decision);
            }
        }

        /// Where the leg as a whole reaches a threshold, a run of it did, or is not yet a window long.
        #[test]
        fn a_decision_on_whole_windows_is_firm(llrs in prop::collection::vec(-6.0_f32..6.0, 1..60)) {
            let mut test = SequentialTest::new(THRESHOLDS, 0.4);
            turns(&mut test, &llrs);
            let llr = test.llr().unwrap();
            let run = if llr > 0.0 { test.toward_synthetic } else { test.toward_bonafide };
            if !(THRESHOLDS.bonafide_llr..=THRESHOLDS.synthetic_llr).contains(&llr) {
                prop_assert!(test.firm().is_some() || run.n < MIN_RUN);
            }
        }
    }
}
