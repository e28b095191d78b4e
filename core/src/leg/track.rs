//! What one model knows of a leg: what it hears, and the way from the scores of its windows to a verdict. What stands between,
//! scoring the windows that are ready, is left to the owner: a [`Stream`](crate::Stream) does it at once, an
//! [`Engine`](crate::engine::Engine) in batches with those of other legs.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::Event;
use super::hearing::Hearing;
use super::opinions::{self, Opinions};
use super::options::StreamOptions;
use crate::error::Result;
use crate::model::calibrate::probability;
use crate::model::{Fate, Model, RawScore, Second};
use crate::site::Rules;
use crate::verdict::decide::{Decision, Reason, WindowScore, suspicious_stretches};
use crate::verdict::policy::SequentialTest;
use crate::verdict::report::{
    Because, Change, LegModel, LegVerdict, ModelSummary, RunningVerdict, Segment, Stage, WindowReport,
};
use crate::voice::conditions::Judged;
use crate::voice::window::Place;

/// Changes of the voice that a verdict lists; of more the oldest are forgotten.
const MAX_CHANGES: usize = 64;

/// A window with its score.
#[derive(Debug, Clone, Copy)]
struct Scored {
    score: WindowScore,
    reason: Option<Reason>,
    by_second: bool,
}

pub(crate) struct Track {
    model: Arc<Model>,
    rules: Rules,
    /// Whether the leg goes by this model.
    chosen: bool,
    pub hearing: Hearing,
    test: SequentialTest,
    history: VecDeque<Scored>,
    max_history: usize,
    changes: VecDeque<Change>,
    firm_at: Option<u64>,
    first_look_taken: bool,
    announced: (Stage, Decision, Vec<Reason>),
    opinions: Opinions,
    /// Whether a window was scored by a model that is not calibrated.
    uncalibrated: bool,
    /// Share of a window that windows which were not scored would have brought; the next window holds that speech too.
    shed_share: f32,
}

impl Track {
    /// Its windows can be scored until `seconds_behind` more seconds of speech came after them.
    pub fn new(
        model: Arc<Model>,
        rules: Rules,
        sample_rate_hz: u32,
        options: &StreamOptions,
        seconds_behind: f64,
    ) -> Result<Self> {
        let manifest = model.manifest();
        Ok(Self {
            hearing: Hearing::new(manifest, sample_rate_hz, options, seconds_behind)?,
            test: SequentialTest::new(rules.thresholds, manifest.calibration.correlation),
            rules,
            chosen: false,
            history: VecDeque::new(),
            max_history: options.max_windows_kept,
            changes: VecDeque::new(),
            firm_at: None,
            first_look_taken: false,
            announced: (Stage::Listening, Decision::Inconclusive, Vec::new()),
            opinions: Opinions::default(),
            uncalibrated: false,
            shed_share: 0.0,
            model,
        })
    }

    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The leg goes by this model: its windows are going to be scored.
    pub fn choose(&mut self) -> Result<()> {
        self.hearing.share(self.model.frames()?);
        self.chosen = true;
        Ok(())
    }

    /// A window was not scored, since there was no time for it.
    pub fn shed(&mut self, place: &Place) {
        self.hearing.count_shed();
        self.pass_over(place);
    }

    /// A window was not scored, since a newer one is ready.
    pub fn replace(&mut self, place: &Place) {
        self.hearing.count_replaced();
        self.pass_over(place);
    }

    fn pass_over(&mut self, place: &Place) {
        self.shed_share += if place.first_look { 0.0 } else { place.fresh_share };
    }

    /// The second model of a cascade, where it is to hear this window, which the first has scored.
    pub fn asks(&mut self, window: &Judged, raw: RawScore) -> Option<Arc<Second>> {
        if window.place.first_look || window.reason.is_some() {
            return None;
        }
        let (llr, novel) = opinions::read(&self.rules, &self.model, raw, false);
        self.opinions.ask(&self.rules, llr, novel)
    }

    /// The second model will not hear the window that it was asked about; the first model's score stands.
    pub fn goes_without(&mut self, fate: Fate) {
        self.opinions.go_without(&self.rules, fate);
    }

    /// Takes the score of a window, in the order in which they were completed; where the second model of a cascade heard it as well,
    /// its score in place of the first's.
    pub fn take(&mut self, window: Judged, raw: RawScore, second: Option<RawScore>, events: &mut impl FnMut(Event)) {
        let Judged { place, mut reason } = window;
        let by_second = second.is_some();
        let (llr, novel) = opinions::read(&self.rules, &self.model, second.unwrap_or(raw), by_second);
        let llr = llr as f32;
        if by_second {
            self.opinions.answered(&self.rules);
        }
        if !opinions::is_calibrated(&self.rules, &self.model, by_second) {
            self.uncalibrated = true;
            reason = reason.or(Some(Reason::Uncalibrated));
        }
        let fresh_share = if place.first_look {
            place.fresh_share
        } else {
            (place.fresh_share + std::mem::take(&mut self.shed_share)).min(1.0)
        };
        let score = WindowScore { start: place.start, end: place.end, fresh_share, llr, novel };
        if place.first_look {
            self.first_look_taken = true;
            self.test.push_doubtful(&score);
        } else {
            if std::mem::take(&mut self.first_look_taken) {
                self.test.drop_doubtful();
            }
            let scored = Scored { score, reason, by_second };
            self.count(scored);
            events(Event::Window(self.window_report(&scored)));
        }
        self.announce(events);
    }

    fn count(&mut self, scored: Scored) {
        let Scored { score, reason, by_second } = &scored;
        if self.history.len() >= self.max_history.max(1) {
            self.history.pop_front();
        }
        self.history.push_back(scored);
        if reason.is_some() {
            self.test.push_doubtful(score);
            return;
        }
        let turn = self.test.push(score);
        self.opinions.count(f64::from(score.fresh_share), *by_second, turn.is_some_and(|turn| turn.changed));
        let Some(turn) = turn else { return };
        if turn.changed {
            if self.changes.len() >= MAX_CHANGES {
                self.changes.pop_front();
            }
            self.changes.push_back(Change { at_seconds: self.hearing.seconds(turn.since), decision: turn.decision });
        } else {
            self.firm_at = Some(score.end);
        }
    }

    fn announce(&mut self, events: &mut impl FnMut(Event)) {
        let verdict = self.verdict();
        let now = (verdict.stage, verdict.decision, verdict.reasons.clone());
        if now != self.announced {
            self.announced = now;
            events(Event::Verdict(verdict));
        }
    }

    /// The verdict as if the leg ended now.
    pub fn verdict(&self) -> RunningVerdict {
        let against = self.hearing.reasons(self.test.n_windows());
        let (mut decision, mut reasons) = self.test.decision();
        if reasons == [Reason::TooLittleSpeech] && self.hearing.interruptions().shed_windows > 0 {
            reasons = vec![Reason::NotScored];
        }
        if !against.is_empty() {
            let unlike = reasons.contains(&Reason::UnlikeTraining);
            (decision, reasons) = (Decision::Inconclusive, against);
            reasons.extend(unlike.then_some(Reason::UnlikeTraining));
        }
        if self.uncalibrated {
            // Of the reasons by scores none means anything.
            reasons.retain(|reason| !matches!(reason, Reason::Undecided | Reason::MixedVoices));
            (decision, reasons) = (Decision::Inconclusive, reasons);
            reasons.push(Reason::Uncalibrated);
        }
        let llr = self.test.llr();
        RunningVerdict {
            stage: match (llr, self.test.firm()) {
                (None, _) => Stage::Listening,
                (Some(_), None) => Stage::Provisional,
                (Some(_), Some(_)) if self.changes.is_empty() => Stage::Firm,
                (Some(_), Some(_)) => Stage::Changed,
            },
            decision,
            llr,
            probability: llr.filter(|_| !self.uncalibrated).map(|llr| probability(llr, self.rules.thresholds.prior)),
            speech_seconds: self.hearing.speech_seconds(),
            reasons,
            given_by: self.opinions.given_by(&self.rules, &self.model),
            thresholds: self.chosen.then_some(self.rules.thresholds),
        }
    }

    /// The verdict on a leg that is finished, whose windows and changes it hands over.
    pub fn end(&mut self, because: Because) -> LegVerdict {
        let verdict = self.verdict();
        let RunningVerdict { stage, decision, llr, probability, speech_seconds, reasons, given_by, .. } = verdict;
        let counted: Vec<WindowScore> =
            self.history.iter().filter(|scored| scored.reason.is_none()).map(|scored| scored.score).collect();
        let segments = suspicious_stretches(&counted, &self.rules.thresholds)
            .iter()
            .map(|s| Segment {
                start_seconds: self.hearing.seconds(s.start),
                end_seconds: self.hearing.seconds(s.end),
                llr: s.llr,
            })
            .collect();
        let people_above = self.rules.site.as_ref().zip(llr).and_then(|(site, llr)| site.people_above(llr));
        let windows = self.history.iter().map(|scored| self.window_report(scored)).collect();
        LegVerdict {
            leg: 0,
            stage,
            decision,
            llr,
            probability,
            people_above,
            speech_seconds,
            reasons,
            firm_at_seconds: self.firm_at.map(|at| self.hearing.seconds(at)),
            changes: std::mem::take(&mut self.changes).into(),
            windows,
            segments,
            interruptions: self.hearing.interruptions(),
            notes: self.hearing.notes(&self.model.manifest().name),
            given_by,
            second: self.opinions.report(&self.rules),
            model: Some(LegModel {
                summary: ModelSummary::of(self.model.manifest()),
                because,
                thresholds: self.rules.thresholds,
            }),
            signal: Some(self.hearing.signal()),
            stream: None,
        }
    }

    fn window_report(&self, scored: &Scored) -> WindowReport {
        let Scored { score: window, reason, by_second } = *scored;
        WindowReport {
            start_seconds: self.hearing.seconds(window.start),
            end_seconds: self.hearing.seconds(window.end),
            llr: f64::from(window.llr),
            fresh_share: f64::from(window.fresh_share),
            reason,
            by_second,
        }
    }
}
