//! `veravox-gateway loadtest`: a gateway of its own process, called by `AudioSocket` from this one, at the pace of speech.

mod caller;
mod process;

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;
use veravox::decode::{AudioReader, DecodeOptions};
use veravox::resample::Resampler;

use crate::args;
use caller::Caller;
pub use process::THREAD_NAME;
use process::{Gateway, Metrics};

/// What a phone brings.
const CALL_RATE_HZ: u32 = 8_000;
/// Calls begin within this time: calls that all began at once would all have a window ready at once.
const RAMP: Duration = Duration::from_secs(4);
/// Calls before the measurement, so that memory that belongs to no call has come to its size.
const WARM_UP: (u32, Duration) = (16, Duration::from_secs(6));

#[derive(Serialize)]
struct Figures {
    calls: u32,
    seconds: u32,
    /// Cores of this machine; the generator runs on them too.
    cores: usize,
    /// Processes that were ready to run on the machine, on average over the last minute of the test.
    load_average: Option<f64>,
    /// Calls that the gateway ended, or that could not be made.
    dropped_calls: usize,
    /// Legs by their last status.
    human: f64,
    synthetic: f64,
    not_sure: f64,
    error: f64,
    windows_scored: f64,
    windows_shed: f64,
    windows_replaced: f64,
    samples_dropped: f64,
    /// From the end of a window's audio to its score.
    compute_delay_ms: [f64; 3],
    /// Cores that the engine's threads were busy with: listening and scoring.
    engine_cores: Option<f64>,
    /// And those of the gateway's own.
    gateway_cores: Option<f64>,
    gateway_cores_per_100_calls: Option<f64>,
    /// Cores that the generator took.
    generator_cores: Option<f64>,
    memory_before_kib: Option<u64>,
    memory_kib: Option<u64>,
    kib_per_call: Option<f64>,
}

/// Runs the test and prints its figures.
pub async fn run(arguments: &args::Loadtest) -> Result<(), String> {
    let samples = speech(&arguments.file).map_err(|error| format!("{}: {error}", arguments.file.display()))?;
    let figures = measure(arguments, &samples).await?;
    let mut out = anstream::stdout().lock();
    let written = if arguments.json {
        serde_json::to_string_pretty(&figures).map_err(std::io::Error::from).and_then(|json| writeln!(out, "{json}"))
    } else {
        print(&mut out, &figures)
    };
    written.map_err(|error| format!("cannot write the figures: {error}"))
}

async fn measure(arguments: &args::Loadtest, samples: &[i16]) -> Result<Figures, String> {
    let (audiosocket, http) = (free_address()?, free_address()?);
    let max_legs = arguments.calls + WARM_UP.0;
    let config = format!(
        "[scoring]\nmax_legs = {max_legs}\n[audiosocket]\nlisten = \"{audiosocket}\"\n[http]\nlisten = \"{http}\"\n"
    );
    let gateway = Gateway::start(&config, http).await?;
    let seconds = Duration::from_secs(arguments.seconds.into());
    calls(audiosocket, WARM_UP.0, WARM_UP.1, samples).await;
    let (before, metrics_before) = (gateway.usage(), gateway.metrics().await?);

    let own_cpu = process::own_cpu();
    let began = Instant::now();
    let calling = calls(audiosocket, arguments.calls, seconds, samples);
    // Memory and processor time are read while all calls are up.
    let reading = async {
        tokio::time::sleep(RAMP + seconds.saturating_sub(RAMP).mul_f64(0.9)).await;
        (gateway.usage(), process::own_cpu(), began.elapsed().as_secs_f64(), process::load_average())
    };
    let (dropped_calls, (at_end, own_at_end, elapsed, load_average)) = tokio::join!(calling, reading);
    let metrics = gateway.metrics().await?;
    let since = |name: &str| metrics.of(name) - metrics_before.of(name);
    let cores_of = |now: Option<f64>, then: Option<f64>| Some((now? - then?) / elapsed);
    let gateway_cores = cores_of(at_end.gateway_cpu, before.gateway_cpu);
    let grown = at_end.rss_kib.zip(before.rss_kib).map(|(now, then)| now.saturating_sub(then));
    let calls = f64::from(arguments.calls);
    Ok(Figures {
        calls: arguments.calls,
        seconds: arguments.seconds,
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        load_average,
        dropped_calls,
        human: since("veravox_legs_ended_total{status=\"HUMAN\"}"),
        synthetic: since("veravox_legs_ended_total{status=\"SYNTHETIC\"}"),
        not_sure: since("veravox_legs_ended_total{status=\"NOTSURE\"}"),
        error: since("veravox_legs_ended_total{status=\"ERROR\"}"),
        windows_scored: since("veravox_windows_scored_total"),
        windows_shed: since("veravox_windows_shed_total"),
        windows_replaced: since("veravox_windows_replaced_total"),
        samples_dropped: since("veravox_samples_dropped_total"),
        compute_delay_ms: ["0.5", "0.99", "1"]
            .map(|share| 1_000.0 * metrics.of(&format!("veravox_score_delay_seconds{{quantile=\"{share}\"}}"))),
        engine_cores: cores_of(at_end.engine_cpu, before.engine_cpu),
        gateway_cores,
        gateway_cores_per_100_calls: gateway_cores.map(|cores| 100.0 * cores / calls),
        generator_cores: cores_of(own_at_end, own_cpu),
        memory_before_kib: before.rss_kib,
        memory_kib: at_end.rss_kib,
        kib_per_call: grown.map(|kib| kib as f64 / calls),
    })
}

/// So many calls at once. Gives how many were dropped.
async fn calls(address: SocketAddr, n_calls: u32, seconds: Duration, samples: &[i16]) -> usize {
    let mut calling = JoinSet::new();
    let began = tokio::time::Instant::now();
    let samples: std::sync::Arc<[i16]> = samples.into();
    for number in 0..n_calls {
        let begins = began + RAMP.mul_f64(f64::from(number) / f64::from(n_calls));
        calling.spawn(Caller::new(number, &samples).call(address, begins, seconds));
    }
    let mut n_dropped = 0;
    while let Some(done) = calling.join_next().await {
        n_dropped += usize::from(!matches!(done, Ok(true)));
    }
    n_dropped
}

/// One that nobody listens on.
fn free_address() -> Result<SocketAddr, String> {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    free.map_err(|error| format!("cannot find a free port: {error}"))
}

/// The first leg of a recording, as a phone brings it.
fn speech(path: &Path) -> veravox::Result<Vec<i16>> {
    let mut reader = AudioReader::open(path, &DecodeOptions::default())?;
    let mut resampler = Resampler::new(reader.info().sample_rate_hz, CALL_RATE_HZ)?;
    let mut samples = Vec::new();
    while let Some(chunk) = reader.next_chunk()? {
        if let Some(leg) = chunk.channels.first() {
            resampler.push(leg, &mut samples)?;
        }
    }
    resampler.finish(&mut samples)?;
    Ok(samples.into_iter().map(|sample| (sample * 32_768.0) as i16).collect())
}

fn print(out: &mut impl std::io::Write, f: &Figures) -> std::io::Result<()> {
    let known = |value: Option<f64>, unit: &str| value.map_or_else(|| "?".to_owned(), |v| format!("{v:.2} {unit}"));
    writeln!(out, "{} calls for {} s, on {} cores with the generator", f.calls, f.seconds, f.cores)?;
    writeln!(out, "load            {} processes ready to run", known(f.load_average, ""))?;
    writeln!(out, "dropped         {} calls, {} samples", f.dropped_calls, f.samples_dropped)?;
    writeln!(
        out,
        "ended           {} SYNTHETIC, {} HUMAN, {} NOTSURE, {} ERROR",
        f.synthetic, f.human, f.not_sure, f.error
    )?;
    writeln!(
        out,
        "windows         {} scored, {} shed, {} replaced by newer ones",
        f.windows_scored, f.windows_shed, f.windows_replaced
    )?;
    let [p50, p99, max] = f.compute_delay_ms;
    writeln!(out, "compute delay   p50 {p50:.0} ms   p99 {p99:.0} ms   max {max:.0} ms")?;
    writeln!(
        out,
        "processor       engine {}, gateway {}, generator {}",
        known(f.engine_cores, "cores"),
        known(f.gateway_cores, "cores"),
        known(f.generator_cores, "cores")
    )?;
    writeln!(
        out,
        "                the gateway's own: {} for 100 calls",
        known(f.gateway_cores_per_100_calls, "cores")
    )?;
    writeln!(out, "memory          {} a call", known(f.kib_per_call, "KiB"))
}

impl Metrics {
    /// A counter or gauge by its name and labels; 0 where it is not there.
    fn of(&self, name: &str) -> f64 {
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
        self.0.lines().find_map(value).unwrap_or(0.0)
    }
}
