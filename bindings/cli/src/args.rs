//! The arguments, as clap reads them.

#![expect(clippy::doc_markdown, reason = "these comments are the help text, where backticks would stand as they are")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Once;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use veravox::decode::{DecodeOptions, Limits, RawEncoding, RawFormat, RtpMap};
use veravox::runtime::{Provider, Runtime, RuntimeChoice, RuntimeOptions};
use veravox::{CalibrationSource, Detector, DetectorOptions};

use crate::calibrate::arguments::Calibrate;
use crate::drift::DriftArguments;
use crate::eval::arguments::Eval;
use crate::host::Host;
use crate::odds::DecisionArguments;
use crate::words::YELLOW;

/// Tells a synthetic voice from a human one in recordings of calls.
#[derive(Parser)]
#[command(name = "veravox", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub setup: Setup,
    /// When to colour the output; NO_COLOR is respected.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, hide_possible_values = false)]
    pub color: Color,
}

#[derive(Subcommand)]
pub enum Command {
    /// Say which recordings hold a synthetic voice: each leg's decision, score and suspicious stretches.
    Scan(Scan),
    /// Watch a call that goes on: audio from standard input, or a file at the pace of speech.
    Live(Live),
    /// Say how good a detector is on trials whose truth is known: EER, DCF, Cllr and more, with intervals, by group.
    Eval(Box<Eval>),
    /// Say why a call got its verdict: where to listen, which bands and kinds of evidence, what is measurable.
    Explain(Box<Explain>),
    /// Fit a site's own calibration to its labelled calls, or to bona fide calls alone.
    Calibrate(Box<Calibrate>),
    /// Say whether calls changed since a batch of results: scores, decisions, conditions, and whether a recalibration is due.
    Drift(DriftArguments),
    /// Say what recordings and captures are: codec, rate, band, level, clipping, loss, speech. Nothing is scored.
    Probe(Probe),
    /// Say which model and which inference runtime are in use, and their versions.
    Doctor(Doctor),
    /// Work with models.
    Model(Model),
    /// Measure speed and memory on this machine, with every runtime that is found.
    Bench(Bench),
    /// Measure how many live legs this machine can watch at once.
    Loadtest(Loadtest),
    /// Watch calls that phone systems and cloud telephony bring over the network: runs the program veravox-gateway.
    Gateway(Gateway),
}

#[derive(Args)]
#[command(after_help = "veravox-gateway --help tells what it takes.")]
pub struct Gateway {
    /// Handed on as they are, after --model and --calibration.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub arguments: Vec<OsString>,
}

/// Which model and runtime to use.
#[derive(Args, Clone)]
pub struct Setup {
    /// Folder of the model, with its manifest.json, or the name of a built-in one, phone or wide (a folder of that name is
    /// ./phone); without it each leg has the built-in one that was made for the band of its voice.
    #[arg(long, global = true, value_name = "DIR|NAME")]
    pub model: Option<PathBuf>,
    /// A site's calibration, as veravox calibrate writes it.
    #[arg(long, global = true, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// Inference runtime: ONNX Runtime where one is found (ORT_DYLIB_PATH, an active Python environment), else the built-in one.
    #[arg(long, global = true, value_enum, default_value_t = RuntimeName::Auto)]
    pub runtime: RuntimeName,
    /// Execution provider of ONNX Runtime: cuda, tensorrt, coreml, directml or xnnpack; may be given several times, the first that can
    /// takes each part of a graph. One that does not load is said, and the CPU computes. veravox doctor lists those that load.
    #[arg(long = "provider", global = true, value_name = "NAME")]
    pub providers: Vec<Provider>,
    /// Largest model that is read, graph and weights together.
    #[arg(long, global = true, value_name = "BYTES", default_value_t = RuntimeOptions::default().max_model_bytes)]
    pub max_model_bytes: u64,
    #[arg(skip)]
    pub host: Host,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeName {
    /// ONNX Runtime where one is found, else the built-in one.
    Auto,
    /// The runtime that is compiled in.
    #[value(name = "builtin")]
    BuiltIn,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[derive(Args)]
#[command(after_long_help = EXIT_CODES)]
pub struct Scan {
    /// Files and folders; folders are searched for audio files at any depth. - is standard input.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub format: OutputFormat,
    /// Write the results to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Go on with an interrupted batch: skip the files that the JSONL output already has.
    #[arg(long, requires = "jsonl", requires = "output")]
    pub resume: bool,
    /// With --resume: try files again that failed before; their old results are taken out.
    #[arg(long, value_name = "true|false", default_value_t = true, action = clap::ArgAction::Set, requires = "resume")]
    pub retry_failed: bool,
    /// Files scanned at once; as many as there are cores without it.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    #[command(flatten)]
    pub raw: Raw,
    #[command(flatten)]
    pub decision: DecisionArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
    /// Exit with 3 when a synthetic voice is found.
    #[arg(long)]
    pub fail_on_synthetic: bool,
    /// No progress bar and no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

const EXIT_CODES: &str = "\
Exit status:
  0    every file was scanned, whatever the verdicts
  1    some files could not be scanned; they are listed at the end; or the results could not be written
  2    nothing was scanned: wrong arguments, no audio files, no model, no runtime
  3    a synthetic voice was found, with --fail-on-synthetic
  130  interrupted (Ctrl-C, SIGTERM)
With --resume the status speaks of all results in the output, those of earlier runs too.

Scores: llr is a natural-log likelihood ratio, positive for synthetic. The JSON formats follow
core/schemas/report.schema.json.";

#[derive(Args)]
#[group(multiple = false)]
pub struct OutputFormat {
    /// One JSON array with an object for each file.
    #[arg(long)]
    pub json: bool,
    /// One JSON object a line for each file, written as files are done.
    #[arg(long)]
    pub jsonl: bool,
    /// A table with a row for each leg.
    #[arg(long)]
    pub csv: bool,
}

#[derive(Args)]
pub struct Raw {
    /// Read files as headerless audio of this encoding, whatever their names say.
    #[arg(long = "raw", value_parser = encodings(), value_name = "ENCODING")]
    pub encoding: Option<RawEncoding>,
    /// Sample rate of headerless audio; 8000 without it, of g722 16000.
    #[arg(long, value_name = "HZ", requires = "encoding")]
    pub rate: Option<u32>,
    /// Channels of headerless audio, interleaved.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "encoding")]
    pub channels: usize,
    /// What an RTP payload type of a packet capture is, where the capture's SIP does not say it, as in 96=opus/48000 or
    /// 97=AMR-WB/16000;octet-align=1. May be repeated.
    #[arg(long, value_name = "TYPE=CODEC/RATE")]
    pub rtp_map: Vec<RtpMap>,
}

/// The names of the encodings, with what they are.
fn encodings() -> impl TypedValueParser<Value = RawEncoding> {
    let value = |encoding: RawEncoding| PossibleValue::new(encoding.name()).help(encoding.description());
    PossibleValuesParser::new(RawEncoding::ALL.map(value))
        .try_map(|name| RawEncoding::from_name(&name).ok_or_else(|| format!("{name} is no encoding")))
}

/// What a file may claim and take at most.
#[expect(clippy::struct_field_names, reason = "each is an option of its own")]
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArguments {
    /// Refuse audio longer than this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().max_duration_seconds, value_parser = above_zero)]
    pub max_duration: f64,
    /// Refuse audio of more channels.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_channels)]
    pub max_channels: usize,
    /// Refuse audio of a higher sample rate.
    #[arg(long, value_name = "HZ", default_value_t = Limits::default().max_sample_rate_hz)]
    pub max_rate: u32,
    /// Refuse files that unpack to more bytes of samples for each of theirs.
    #[arg(long, value_name = "TIMES", default_value_t = Limits::default().max_decoded_ratio, value_parser = above_zero)]
    pub max_ratio: f64,
    /// Give a file up that is not done after this many seconds; without it none is.
    #[arg(long, value_name = "SECONDS", value_parser = above_zero)]
    pub max_time: Option<f64>,
}

impl LimitArguments {
    fn limits(&self) -> Limits {
        Limits {
            max_duration_seconds: self.max_duration,
            max_channels: self.max_channels,
            max_sample_rate_hz: self.max_rate,
            max_decoded_ratio: self.max_ratio,
            max_reading_seconds: self.max_time.unwrap_or(f64::INFINITY),
            ..Limits::default()
        }
    }
}

#[derive(Args)]
#[command(after_long_help = EXPLAIN_NOTES)]
pub struct Explain {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write the report to this file; without it a summary is printed.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Html)]
    pub format: Format,
    /// Leave the audio out of the page; the page then holds no copy of the call.
    #[arg(long)]
    pub no_audio: bool,
    /// The leg of a picture, from 0; the one with the highest llr without it.
    #[arg(long, value_name = "LEG")]
    pub leg: Option<usize>,
    /// Measure also how far the score rests on the parts named; it takes several times as long.
    #[arg(long)]
    pub faithfulness: bool,
    /// Another reference; models/training/reference.py makes the built-in ones with this.
    #[arg(long, value_name = "FILE", hide = true)]
    pub reference: Option<PathBuf>,
    #[command(flatten)]
    pub raw: Raw,
    #[command(flatten)]
    pub decision: DecisionArguments,
}

const EXPLAIN_NOTES: &str = "\
The page is one file: it loads nothing, runs nothing and sends nothing. It holds the audio unless --no-audio is given.
Evidence says what the model listened to, not how the audio was made.

Exit status: 0 explained, whatever the verdict; 2 not; 130 interrupted.";

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A page in one file.
    Html,
    /// The main pictures of one leg, as SVG.
    Svg,
    /// The main pictures of one leg, as PNG.
    Png,
    /// All numbers.
    Json,
}

#[derive(Args)]
#[command(after_long_help = PROBE_NOTES)]
pub struct Probe {
    /// Files and folders; folders are searched for audio files at any depth.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// One JSON object a line for each file.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub raw: Raw,
}

const PROBE_NOTES: &str = "\
band: where the sound ends. Above it less is left than 50 dB under the strongest part of speech.
was: the rate that the audio may have had before, where its band says that it was brought to a higher one.
level: of the voice (RMS); clipped: share of the samples; offset: mean of the samples, of full scale.
lost: of what was sent; captures of packets alone know it.

Exit status: 0 every file was read; 1 some were not; 2 none was; 130 interrupted.";

#[derive(Args)]
pub struct Live {
    /// A file or capture of packets, played at the pace of speech; standard input without it.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Sample rate of headerless audio on standard input; without it the audio has a header, as WAV has.
    #[arg(long, value_name = "HZ")]
    pub rate: Option<u32>,
    /// Encoding of headerless audio.
    #[arg(long = "raw", value_parser = encodings(), value_name = "ENCODING", default_value = "s16le", requires = "rate")]
    pub encoding: RawEncoding,
    /// Channels of headerless audio, interleaved; each is a leg.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "rate")]
    pub channels: usize,
    /// What an RTP payload type of a packet capture is, as of `veravox scan`.
    #[arg(long, value_name = "TYPE=CODEC/RATE")]
    pub rtp_map: Vec<RtpMap>,
    /// Print events as JSON lines.
    #[arg(long)]
    pub json: bool,
    /// Seconds of speech between two scores.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub update: f64,
    /// How many times as fast as speech a file is played; 0 is as fast as it can be scored.
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = times)]
    pub speed: f64,
    #[command(flatten)]
    pub decision: DecisionArguments,
}

#[derive(Args)]
pub struct Loadtest {
    /// A recording that each leg repeats; a generated voice that never pauses without it.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Legs at once.
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = positive)]
    pub legs: usize,
    /// How long, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// Threads that score; as many as there are cores without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub cores: Option<u16>,
    /// Seconds of speech between two scores.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub update: f64,
    /// All legs say the same at the same time, so that all their windows are ready at once; without it they are spread evenly.
    #[arg(long)]
    pub burst: bool,
    /// Search for the largest number of legs with nothing shed and 99 of 100 scores within the limit, by trials of --seconds
    /// each; --legs is the first to be tried.
    #[arg(long)]
    pub find_capacity: bool,
    /// The limit of --find-capacity, from the end of a window's audio to its score.
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub within_ms: u32,
    /// Print a JSON object; with --find-capacity one that lists the trials.
    #[arg(long)]
    pub json: bool,
}

fn times(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if value == 0.0 || (0.01..=1e6).contains(&value) {
        Ok(value)
    } else {
        Err("expected 0, or 0.01 to 1000000".to_owned())
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 => Ok(value),
        _ => Err("expected a number above 0, or inf".to_owned()),
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=100_000).contains(&n) => Ok(n),
        _ => Err("expected 1 to 100000".to_owned()),
    }
}

#[derive(Args)]
pub struct Doctor {
    /// Print a JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Model {
    #[command(subcommand)]
    pub command: ModelCommand,
}

#[derive(Subcommand)]
pub enum ModelCommand {
    /// Check a model's folder rule by rule, and say what is wrong with it.
    Check {
        /// Folder with manifest.json.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Args)]
pub struct Bench {
    /// A recording to repeat; a generated buzz that counts as speech throughout without it.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Minutes of mono mu-law audio to scan, at the model's rate.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub minutes: u32,
    /// Print a JSON object.
    #[arg(long)]
    pub json: bool,
    /// Measure the one runtime chosen and print its figures; the parent process uses this.
    #[arg(long, hide = true)]
    pub this_runtime: bool,
}

impl Color {
    pub fn write_global(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

impl Setup {
    /// Starts the runtime that was asked for.
    pub fn start_runtime(&self) -> veravox::Result<&'static Runtime> {
        let options = RuntimeOptions { providers: self.providers.clone(), max_model_bytes: self.max_model_bytes };
        let choice = match (self.runtime, &self.host.onnxruntime) {
            (RuntimeName::BuiltIn, _) => RuntimeChoice::BuiltIn,
            (RuntimeName::Auto, Some(package)) if Runtime::select_wheel_with(package, &options) => return self.told(),
            (RuntimeName::Auto, _) => RuntimeChoice::Auto,
        };
        Runtime::select_with(&choice, &options)?;
        self.told()
    }

    /// The runtime in use; whoever asked for a provider that is not there is told.
    fn told(&self) -> veravox::Result<&'static Runtime> {
        static TOLD: Once = Once::new();
        let runtime = Runtime::get()?;
        if let Some(note) = runtime.note().filter(|_| !self.providers.is_empty()) {
            TOLD.call_once(|| anstream::eprintln!("{YELLOW}note{YELLOW:#} {note}"));
        }
        Ok(runtime)
    }

    /// The detector with the model that was asked for.
    pub fn detector(&self) -> veravox::Result<Detector> {
        self.detector_deciding(&DecisionArguments::default())
    }

    /// The detector with the model that was asked for, which decides where it was told to.
    pub fn detector_deciding(&self, decision: &DecisionArguments) -> veravox::Result<Detector> {
        self.start_runtime()?;
        let options = DetectorOptions {
            model: self.model.clone(),
            calibration: self.calibration.clone().map(CalibrationSource::File),
            target_false_alarm: decision.target_false_alarm,
            thresholds: decision.thresholds(),
        };
        options.open()
    }
}

impl Raw {
    /// The options of a file that is read with these.
    pub fn options(&self) -> DecodeOptions {
        let raw = self.encoding.map(|encoding| RawFormat {
            encoding,
            sample_rate_hz: self.rate.unwrap_or(encoding.usual_rate_hz()),
            channels: self.channels,
        });
        DecodeOptions { raw, rtp_map: self.rtp_map.clone(), ..DecodeOptions::default() }
    }
}

impl Scan {
    pub fn decode_options(&self) -> DecodeOptions {
        DecodeOptions { limits: self.limits.limits(), ..self.raw.options() }
    }
}

impl Live {
    pub fn decode_options(&self) -> DecodeOptions {
        let (encoding, channels) = (self.encoding, self.channels);
        let raw = self.rate.map(|sample_rate_hz| RawFormat { encoding, sample_rate_hz, channels });
        // A call may last as long as it lasts.
        let limits = Limits { max_duration_seconds: f64::INFINITY, ..Limits::default() };
        DecodeOptions { raw, limits, rtp_map: self.rtp_map.clone() }
    }
}
