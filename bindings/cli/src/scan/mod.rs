//! `veravox scan`: files and folders in, a verdict for each leg out.

mod batch;
pub mod files;
mod human;
mod output;
mod progress;
pub mod resume;
mod tally;
mod writer;

use std::io::ErrorKind;
use std::sync::atomic::Ordering;

use anstream::eprintln;
use veravox::report::{Failure, FileReport, Outcome as FileOutcome};

use crate::args::{Scan, Setup};
use crate::exit::{Exit, Outcome};
use crate::interrupt::stop_on_ctrl_c;
use crate::odds::Alarms;
use crate::words::RED;
use files::Found;
use output::Output;
use progress::Progress;
use tally::Tally;
use writer::{Form, Writer};

pub fn run(arguments: &Scan, setup: &Setup) -> Outcome {
    let detector = setup.detector_deciding(&arguments.decision)?;

    let Found { mut files, mut unreadable, n_passed_over } =
        files::find(&arguments.paths, arguments.raw.encoding.is_some());
    if files.is_empty() && unreadable.is_empty() {
        let words = "no audio files found in the folders given; name a file to have it tried whatever its name";
        return Err(words.into());
    }
    let form = Form::of(&arguments.format);
    let mut tally = Tally::default();
    let output = match &arguments.output {
        None => Output::Stdout,
        Some(path) if arguments.resume => {
            let resumed = resume::open(path, &detector, arguments.retry_failed)?;
            let n_before = files.len();
            files.retain(|file| !resumed.done.has(&file.path));
            unreadable.retain(|(path, _)| !resumed.done.has(path));
            if !arguments.quiet {
                eprintln!("{} of {n_before} files are already in {}", n_before - files.len(), path.display());
            }
            tally = resumed.tally;
            Output::Growing { file: resumed.file, path: path.clone(), n_whole: resumed.n_bytes }
        }
        Some(path) if form == Form::Jsonl => Output::growing(path, &files)?,
        Some(path) => Output::whole(path, &files)?,
    };
    let mut writer = Writer::new(form, output);

    let stop = stop_on_ctrl_c()?;
    let progress = Progress::new(&files, arguments.quiet);
    let n_files = tally.n_files + unreadable.len() + files.len();
    let mut alarms = Alarms::default();
    let mut take = |report: &FileReport| {
        alarms.add(report);
        tally.add(report);
        progress.suspend(|| writer.write(report))
    };
    let unreadable = unreadable.into_iter().try_for_each(|(path, error)| {
        let failure = Failure { head: detector.report_head(0), error };
        take(&FileReport::of(&path, FileOutcome::Failed(Box::new(failure))))
    });
    let job = batch::Job {
        detector: &detector,
        options: &arguments.decode_options(),
        n_workers: arguments.jobs.map_or_else(default_jobs, usize::from),
        progress: &progress,
        stop: &stop,
    };
    let written = unreadable.and_then(|()| batch::run(&job, &files, &mut |report| take(&report)));
    progress.finish();
    let interrupted = stop.load(Ordering::Relaxed);
    // What could not be written stays unsaid in the summary.
    if let Err(error) = written {
        if error.kind() == ErrorKind::BrokenPipe {
            return Err(error.into());
        }
        eprintln!("{RED}error:{RED:#} {error}");
        return Ok(Exit::SomeFailed);
    }
    let became = writer.close(interrupted)?;
    if !arguments.quiet {
        tally.print(n_passed_over);
        if let Some(words) = alarms.words().filter(|_| arguments.decision.any() || setup.calibration.is_some()) {
            eprintln!("{words}");
        }
    }
    if interrupted {
        eprintln!("interrupted: {} of {n_files} files are done; {became}", tally.n_files);
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
