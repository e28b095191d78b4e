//! `veravox scan`: files and folders in, a verdict for each leg out.

mod batch;
mod files;
mod human;
mod progress;
pub mod resume;
mod writer;

use std::sync::atomic::Ordering;

use anstream::eprintln;
use veravox::Decision;
use veravox::report::{Failure, FileReport, Outcome as FileOutcome};

use crate::args::{Scan, Setup};
use crate::exit::{Exit, Outcome};
use crate::interrupt::stop_on_ctrl_c;
use crate::odds::Alarms;
use files::Found;
use progress::Progress;
use writer::Writer;

/// What a batch came to.
#[derive(Default)]
struct Tally {
    n_files: usize,
    n_synthetic: usize,
    n_inconclusive: usize,
    failures: Vec<(String, String)>,
}

pub fn run(arguments: &Scan, setup: &Setup) -> Outcome {
    let detector = arguments.decision.over(setup.detector()?)?;

    let Found { mut files, mut unreadable, n_passed_over } =
        files::find(&arguments.paths, arguments.raw.encoding.is_some());
    if files.is_empty() && unreadable.is_empty() {
        let words = "no audio files found in the folders given; name a file to have it tried whatever its name";
        return Err(words.into());
    }
    if arguments.resume
        && let Some(output) = &arguments.output
    {
        let done = resume::done(output, &detector)?;
        let n_before = files.len();
        files.retain(|file| !done.contains(&file.shown));
        unreadable.retain(|(path, _)| !done.contains(path));
        if !arguments.quiet {
            eprintln!("{} of {n_before} files are already in {}", n_before - files.len(), output.display());
        }
    }

    let stop = stop_on_ctrl_c()?;
    let mut writer = Writer::open(arguments)?;
    let progress = Progress::new(&files, arguments.quiet);
    let (mut tally, mut alarms) = (Tally::default(), Alarms::default());
    let n_files = unreadable.len() + files.len();
    for (path, error) in unreadable {
        let failure = Failure { head: detector.report_head(0), error };
        let report = FileReport { path, outcome: FileOutcome::Failed(Box::new(failure)) };
        tally.add(&report);
        progress.suspend(|| writer.write(&report))?;
    }
    let job = batch::Job {
        detector: &detector,
        options: &arguments.decode_options(),
        n_workers: arguments.jobs.map_or_else(default_jobs, usize::from),
        progress: &progress,
        stop: &stop,
    };
    let written = batch::run(&job, &files, &mut |report| {
        tally.add(&report);
        alarms.add(&report);
        progress.suspend(|| writer.write(&report))
    });
    progress.finish();
    written?;
    let interrupted = stop.load(Ordering::Relaxed);
    writer.close(interrupted)?;
    if !arguments.quiet {
        tally.print(n_passed_over);
        if let Some(words) = alarms.words().filter(|_| arguments.decision.any() || setup.calibration.is_some()) {
            eprintln!("{words}");
        }
    }
    if interrupted {
        let again = if arguments.format.jsonl && arguments.output.is_some() { "; go on with --resume" } else { "" };
        eprintln!("interrupted: {} of {n_files} files are done{again}", tally.n_files);
        return Ok(Exit::Interrupted);
    }
    Ok(if arguments.fail_on_synthetic && tally.n_synthetic > 0 {
        Exit::SyntheticFound
    } else if !tally.failures.is_empty() {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}

fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Tally {
    fn add(&mut self, report: &FileReport) {
        self.n_files += 1;
        match &report.outcome {
            FileOutcome::Scanned(call) => {
                let any = |decision| call.legs.iter().any(|leg| leg.decision == decision);
                if any(Decision::Synthetic) {
                    self.n_synthetic += 1;
                } else if any(Decision::Inconclusive) {
                    self.n_inconclusive += 1;
                }
            }
            FileOutcome::Failed(failure) => {
                self.failures.push((report.path.clone(), failure.error.message.clone()));
            }
        }
    }

    /// On standard error, so that it never mixes with results that go elsewhere.
    fn print(&self, n_passed_over: usize) {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let n_clear = self.n_files - self.n_synthetic - self.n_inconclusive - self.failures.len();
        eprintln!(
            "\n{} file{}: {} with a synthetic voice, {} inconclusive, {} bona fide, {} failed",
            self.n_files,
            plural(self.n_files),
            self.n_synthetic,
            self.n_inconclusive,
            n_clear,
            self.failures.len()
        );
        if n_passed_over > 0 {
            eprintln!(
                "{n_passed_over} other file{} in the folders passed over (no audio by name)",
                plural(n_passed_over)
            );
        }
        if !self.failures.is_empty() {
            eprintln!("not scanned:");
        }
        for (path, error) in &self.failures {
            eprintln!("  {path}: {error}");
        }
    }
}
