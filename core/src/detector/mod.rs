//! The entrance: models with their settings, from which streams are made and files are scanned.

mod choices;
mod scan;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use self::choices::{Choice, Choices};
use crate::audio::decode::AudioReader;
use crate::error::{Error, ErrorKind, Result};
use crate::leg::stream::{Stream, StreamOptions};
use crate::leg::{Candidate, Candidates};
use crate::model::manifest::Manifest;
use crate::model::runtime::Runtime;
use crate::model::{Builtin, CascadeManifest, Kind, Member, Model, Second, SecondCounts, of_member, read_manifest};
use crate::site::{ModelCalibration, Rules, SiteCalibration};
use crate::verdict::decide::{ThresholdChanges, Thresholds};
use crate::verdict::report::{
    Because, CalibrationSummary, CascadeSummary, LegVerdict, ModelSummary, REPORT_SCHEMA_VERSION, ReportHead,
};

/// A model, or several for audio of different rates, with settings. Immutable, cheap to clone, shared between threads.
///
/// ```
/// use veravox::{Detector, decode::DecodeOptions};
///
/// let detector = Detector::builtin()?;
/// let call = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/formats/clip.mulaw.wav");
/// let report = detector.scan_file(call.as_ref(), &DecodeOptions::default())?;
/// for leg in &report.legs {
///     println!("leg {}: {} after {:.1} s of speech", leg.leg, leg.decision, leg.speech_seconds);
/// }
/// # assert_eq!(report.legs.len(), 1);
/// # assert_eq!(report.head.model.name, "phone");
/// # Ok::<(), veravox::Error>(())
/// ```
#[derive(Clone)]
pub struct Detector {
    choices: Arc<Choices>,
    changes: ThresholdChanges,
    site: Option<Arc<Site>>,
    /// The share of this site's people who may be called synthetic.
    target_false_alarm: Option<f64>,
    cascade: Option<Arc<Cascade>>,
    runtime: &'static Runtime,
}

/// What makes a cascade of a detector.
struct Cascade {
    manifest: CascadeManifest,
    second: Arc<Second>,
}

/// A site's calibration, by the hash of the model.
struct Site {
    summary: CalibrationSummary,
    of_model: BTreeMap<String, Arc<ModelCalibration>>,
}

/// How far a scan is: seconds of audio read, and in all where the header says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Seconds of audio read.
    pub read_seconds: f64,
    /// Seconds of audio that the header promises.
    pub total_seconds: Option<f64>,
}

impl Detector {
    /// The detector with the models that come with the library, `phone` for 8 kHz and `wide` for 16 kHz and above, and
    /// the thresholds of their manifests. Each leg is scored by the model that was made for the band of its voice, as its first
    /// two seconds of speech show it: a telephone call that is stored at 16 kHz goes to `phone`.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when no inference runtime starts.
    pub fn builtin() -> Result<Self> {
        Ok(Self::of(Choices::builtin()?, Runtime::get()?))
    }

    /// The detector with one of the models that come with the library, for audio of any rate.
    ///
    /// ```
    /// let detector = veravox::Detector::builtin_named("phone")?;
    /// assert_eq!(detector.manifest(48_000).name, "phone");
    /// assert!(veravox::Detector::builtin_named("telegraph").is_err());
    /// # Ok::<(), veravox::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when there is none of this name, and those of
    /// [`builtin`](Self::builtin).
    pub fn builtin_named(name: &str) -> Result<Self> {
        let builtin = Builtin::named(name).ok_or_else(|| {
            let known = Builtin::names();
            Error::new(ErrorKind::InvalidArgument, format!("no built-in model has this name, there are {known}"))
        })?;
        Ok(Self::of(Choices::only(builtin)?, Runtime::get()?))
    }

    /// Whether [`open`](Self::open) takes this for the name of a model that comes with the library.
    #[must_use]
    pub fn is_builtin(model: &Path) -> bool {
        model.to_str().is_some_and(|name| Builtin::named(name).is_some())
    }

    /// The detector that a user names: a model that comes with the library by its name, else one by its folder. A folder
    /// with the name of such a model is written `./phone`.
    ///
    /// # Errors
    /// Those of [`builtin_named`](Self::builtin_named) and [`load`](Self::load).
    pub fn open(model: &Path) -> Result<Self> {
        match model.to_str() {
            Some(name) if Self::is_builtin(model) => Self::builtin_named(name),
            Some(name) if !model.exists() => {
                let message = format!(
                    "there is no model {name:?}: expected {}, or a folder with manifest.json",
                    Builtin::names().replace(", ", " or ")
                );
                Err(Error::new(ErrorKind::NotFound, message))
            }
            _ => Self::load(model),
        }
    }

    /// A detector with what is in `folder`, which holds `manifest.json`: a model, a fusion of several, or a cascade of two.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn load(folder: &Path) -> Result<Self> {
        let text = read_manifest(folder)?;
        if Kind::of(&text)? != Kind::Cascade {
            return Model::load(folder).map(Self::new);
        }
        let manifest = CascadeManifest::parse(&text)?;
        let first = match manifest.first.as_str() {
            "builtin" => Self::builtin()?,
            named => match Member::find(folder, named, "first")? {
                Member::Builtin(_) => Self::builtin_named(named)?,
                Member::Folder(folder) => Model::load(&folder).map(Self::new).map_err(|e| of_member("first", e))?,
            },
        };
        let second = manifest.load_second(folder)?;
        let cascade = Self { cascade: Some(Arc::new(Cascade { manifest, second })), ..first };
        cascade.check_thresholds()?;
        Ok(cascade)
    }

    /// The manifest of the second model of a cascade.
    #[must_use]
    pub fn second(&self) -> Option<&Manifest> {
        self.cascade.as_ref().map(|cascade| cascade.second.model().manifest())
    }

    /// The first model of a cascade alone, or the second.
    pub(crate) fn alone(&self, second: bool) -> Self {
        match self.cascade.as_deref().filter(|_| second) {
            None => Self { cascade: None, ..self.clone() },
            Some(cascade) => {
                Self { choices: Self::new(Arc::clone(cascade.second.model())).choices, cascade: None, ..self.clone() }
            }
        }
    }

    /// How often the second model of a cascade was asked, since the cascade was loaded.
    #[must_use]
    pub fn second_counts(&self) -> Option<SecondCounts> {
        self.cascade.as_ref().map(|cascade| cascade.second.counts())
    }

    /// A detector with a loaded model and the thresholds of its manifest.
    #[must_use]
    pub fn new(model: Arc<Model>) -> Self {
        let runtime = model.runtime();
        Self::of(Choices::loaded(model), runtime)
    }

    fn of(choices: Choices, runtime: &'static Runtime) -> Self {
        Self {
            choices: Arc::new(choices),
            changes: ThresholdChanges::default(),
            site: None,
            target_false_alarm: None,
            cascade: None,
            runtime,
        }
    }

    /// The same detector with other thresholds, for each of its models; they take the place of changes made before.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when the prior is not inside (0, 1) or the thresholds of a model are
    /// out of order.
    pub fn with_thresholds(mut self, changes: ThresholdChanges) -> Result<Self> {
        self.changes = changes;
        self.check_thresholds()?;
        Ok(self)
    }

    /// The same detector with a site's calibration: its map of scores, and its thresholds where the site set some. Thresholds
    /// that [`with_thresholds`](Self::with_thresholds) sets take their place. Models that the calibration does not know are used
    /// as they are, and reports say by their head which it was.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when the calibration was made for a model that this detector has not:
    /// another version, whose scores mean something else.
    pub fn with_calibration(mut self, calibration: SiteCalibration) -> Result<Self> {
        for (sha256, of_model) in calibration.by_model() {
            let here = || self.manifests().chain(self.second());
            if !here().any(|manifest| manifest.onnx.sha256 == sha256) {
                let have: Vec<_> = here()
                    .map(|Manifest { name, version, onnx, .. }| {
                        format!("{name} {version} ({})", onnx.sha256.get(..12).unwrap_or_default())
                    })
                    .collect();
                let message = format!(
                    "the site calibration {:?} was made for the model {} {} ({}), and its scores mean nothing on another; here \
                     there is {}. Fit it anew on results of this model",
                    calibration.name,
                    of_model.model,
                    of_model.version,
                    sha256.get(..12).unwrap_or_default(),
                    have.join(" and ")
                );
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        }
        let summary = CalibrationSummary { name: calibration.name.clone(), digest: calibration.digest().to_owned() };
        let of_model = calibration.into_models().map(|model| (model.sha256.clone(), Arc::new(model))).collect();
        self.site = Some(Arc::new(Site { summary, of_model }));
        self.check_thresholds()?;
        Ok(self)
    }

    /// The same detector with the threshold for `synthetic` set so that at most this share of the site's people is called
    /// synthetic, by the calls that its calibration was made from.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when the share is not inside (0, 1), without a calibration that knows the
    /// site's people, or when these are too few to show so small a share; the message says which share they can show.
    pub fn with_target_false_alarm(mut self, share: f64) -> Result<Self> {
        let known = self.choices.all().filter_map(|choice| self.site_of(&choice.manifest));
        let mut n_known = 0;
        for site in known {
            n_known += 1;
            site.threshold_for(share).map_err(|message| Error::new(ErrorKind::InvalidArgument, message))?;
        }
        if n_known == 0 {
            let message = "a target of false alarms needs a site calibration, which knows how the site's people score";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.target_false_alarm = Some(share);
        self.check_thresholds()?;
        Ok(self)
    }

    fn check_thresholds(&self) -> Result<()> {
        self.choices.all().try_for_each(|choice| {
            self.checked_thresholds_of(&choice.manifest).map(drop).map_err(|e| {
                Error::new(ErrorKind::InvalidArgument, format!("for the model {}: {e}", choice.manifest.name))
            })
        })
    }

    fn site_of(&self, manifest: &Manifest) -> Option<&Arc<ModelCalibration>> {
        self.site.as_ref()?.of_model.get(&manifest.onnx.sha256)
    }

    fn thresholds_of(&self, manifest: &Manifest) -> Thresholds {
        // What was set was checked then.
        self.checked_thresholds_of(manifest).unwrap_or(manifest.decision)
    }

    /// The manifest's, then the site's, then what the user set.
    fn checked_thresholds_of(&self, manifest: &Manifest) -> Result<Thresholds> {
        let site = self.site_of(manifest);
        let stated = self.cascade.as_ref().and_then(|cascade| cascade.manifest.decision).unwrap_or(manifest.decision);
        let thresholds = site.map_or(stated, |site| site.thresholds(&stated));
        let target = self.target_false_alarm.zip(site).and_then(|(share, site)| site.threshold_for(share).ok());
        self.changes.over(&thresholds, target)
    }

    /// The models that a leg at `sample_rate_hz` may be scored by, with how its windows are judged.
    pub(crate) fn candidates(&self, sample_rate_hz: u32, codec: Option<&str>) -> Result<Candidates> {
        let candidate = |choice: &Choice| {
            let (manifest, codec) = (&choice.manifest, codec.map(str::to_owned));
            let site = self.site_of(manifest).map(Arc::clone);
            let second = self.cascade.as_deref().map(|Cascade { second, .. }| {
                (Arc::clone(second), self.site_of(second.model().manifest()).map(Arc::clone))
            });
            let rules = Rules { thresholds: self.thresholds_of(manifest), site, codec, second };
            Ok(Candidate { model: choice.model()?, rules })
        };
        let (widest, narrower) = self.choices.held(sample_rate_hz);
        let because = if self.choices.is_one() { Because::Only } else { Because::Rate };
        Ok(Candidates {
            widest: candidate(widest)?,
            narrower: narrower.map(candidate).collect::<Result<_>>()?,
            because,
        })
    }

    /// The manifests of its models, from the lowest rate to the highest.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.choices.all().map(|c| &c.manifest)
    }

    /// The manifest of the model for audio at `sample_rate_hz` whose band is as wide as that rate can hold.
    #[must_use]
    pub fn manifest(&self, sample_rate_hz: u32) -> &Manifest {
        &self.choices.held(sample_rate_hz).0.manifest
    }

    /// The model for audio at `sample_rate_hz` whose band is as wide as that rate can hold, loaded on the first call.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when the runtime cannot load it.
    pub fn model(&self, sample_rate_hz: u32) -> Result<Arc<Model>> {
        self.choices.held(sample_rate_hz).0.model()
    }

    /// The thresholds of that model.
    #[must_use]
    pub fn thresholds(&self, sample_rate_hz: u32) -> Thresholds {
        self.thresholds_of(self.manifest(sample_rate_hz))
    }

    /// What the report on audio at `sample_rate_hz` starts with where no leg of it was scored; 0 where the rate never came to
    /// light.
    #[must_use]
    pub fn report_head(&self, sample_rate_hz: u32) -> ReportHead {
        self.head_of(self.manifest(sample_rate_hz))
    }

    /// What the report on these legs starts with: the model of the first that was scored, since a report has one at its head.
    /// Each leg names its own.
    #[must_use]
    pub fn report_head_of(&self, legs: &[LegVerdict], sample_rate_hz: u32) -> ReportHead {
        let leg = legs.iter().find(|leg| leg.llr.is_some()).or_else(|| legs.first());
        let sha256 = leg.and_then(|leg| Some(&leg.model.as_ref()?.summary.sha256));
        let manifest = self.manifests().find(|manifest| Some(&manifest.onnx.sha256) == sha256);
        self.head_of(manifest.unwrap_or_else(|| self.manifest(sample_rate_hz)))
    }

    /// What reports can start with: with each of the models.
    pub fn report_heads(&self) -> impl Iterator<Item = ReportHead> {
        self.manifests().map(|manifest| self.head_of(manifest))
    }

    fn head_of(&self, manifest: &Manifest) -> ReportHead {
        ReportHead {
            schema_version: REPORT_SCHEMA_VERSION,
            model: ModelSummary::of(manifest),
            runtime: self.runtime.to_string(),
            thresholds: self.thresholds_of(manifest),
            calibration: self.site_of(manifest).and_then(|_| Some(self.site.as_ref()?.summary.clone())),
            cascade: self.cascade.as_deref().map(|Cascade { manifest, second }| CascadeSummary {
                name: manifest.name.clone(),
                version: manifest.version.clone(),
                second: ModelSummary::of(second.model().manifest()),
            }),
        }
    }

    /// A stream for one leg of a call with audio at `sample_rate_hz`.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) when the rate is outside the default
    /// [`Limits`](crate::decode::Limits), [`Runtime`](ErrorKind::Runtime) when the runtime cannot load the model.
    pub fn stream(&self, sample_rate_hz: u32) -> Result<Stream> {
        self.stream_with(sample_rate_hz, &StreamOptions::default())
    }

    /// A stream that is watched as `options` say: [`StreamOptions::live`] for a call that goes on.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    pub fn stream_with(&self, sample_rate_hz: u32, options: &StreamOptions) -> Result<Stream> {
        Stream::new(self.candidates(sample_rate_hz, None)?, sample_rate_hz, options)
    }

    /// Streams for the legs of a recording or capture, each at its rate. A site's calibration by codec hears which codec each has.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    pub fn streams_of(&self, reader: &AudioReader, options: &StreamOptions) -> Result<Vec<Stream>> {
        let stream = |(rate, codec): (u32, String)| Stream::new(self.candidates(rate, Some(&codec))?, rate, options);
        reader.legs().into_iter().map(stream).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_is_scored_by_the_widest_model_that_its_rate_can_hold() {
        let detector = Detector::builtin().unwrap();
        let rates: Vec<_> = detector.manifests().map(|m| m.input.sample_rate_hz).collect();
        assert!(rates.is_sorted_by(|a, b| a < b), "{rates:?}");
        for (rate, name) in [(8_000, "phone"), (11_025, "phone"), (14_400, "wide"), (16_000, "wide"), (48_000, "wide")]
        {
            assert_eq!(detector.manifest(rate).name, name, "{rate} Hz");
            assert_eq!(detector.report_head(rate).model.name, name, "{rate} Hz");
        }
        assert_eq!(detector.model(44_100).unwrap().manifest(), detector.manifest(44_100));
        assert_eq!(Detector::builtin_named("phone").unwrap().manifest(48_000).name, "phone");
    }

    #[test]
    fn changed_thresholds_hold_for_every_model() {
        let detector = Detector::builtin().unwrap();
        let changes = ThresholdChanges { synthetic_llr: Some(7.0), ..ThresholdChanges::default() };
        let changed = detector.clone().with_thresholds(changes).unwrap();
        for rate in [8_000, 16_000] {
            let defaults = detector.manifest(rate).decision;
            assert_eq!(changed.thresholds(rate), Thresholds { synthetic_llr: 7.0, ..defaults });
        }
        let upside_down = ThresholdChanges { synthetic_llr: Some(-9.0), ..ThresholdChanges::default() };
        let error = detector.with_thresholds(upside_down).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}
