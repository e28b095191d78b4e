//! Files side by side, results in the order of the files.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use veravox::decode::{AudioReader, DecodeOptions};
use veravox::{CallReport, Detector, ErrorKind, FileReport};

use super::files::{AudioFile, STANDARD_INPUT};
use super::progress::Progress;

/// What all workers share.
pub struct Job<'a> {
    pub detector: &'a Detector,
    pub options: &'a DecodeOptions,
    pub n_workers: usize,
    pub progress: &'a Progress,
    pub stop: &'a AtomicBool,
}

/// Scans the files; hands `sink` their reports, in their order. Ends early when `job.stop` is set or `sink` fails.
pub fn run(job: &Job<'_>, files: &[AudioFile], sink: &mut dyn FnMut(FileReport) -> io::Result<()>) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..job.n_workers.min(files.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while !job.stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { break };
                    let result = scan(job, file);
                    if matches!(&result, Err(error) if error.kind() == ErrorKind::Cancelled) {
                        break;
                    }
                    let report = FileReport::new(&file.path, job.detector.report_head(0), result);
                    if sender.send((index, report)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut n_handed_on = 0;
        for (index, report) in receiver {
            early.insert(index, report);
            while let Some(report) = early.remove(&n_handed_on) {
                n_handed_on += 1;
                if let Err(error) = sink(report) {
                    job.stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        // An interruption leaves a gap; what is done behind it is not thrown away.
        early.into_values().try_for_each(sink)
    })
}

fn scan(job: &Job<'_>, file: &AudioFile) -> veravox::Result<CallReport> {
    let meter = job.progress.file(file);
    let mut reader = if file.path == Path::new(STANDARD_INPUT) {
        AudioReader::from_pipe(Box::new(io::stdin()), job.options)?
    } else {
        AudioReader::open(&file.path, job.options)?
    };
    job.detector.scan_reader(&mut reader, &mut |progress| {
        meter.update(progress);
        !job.stop.load(Ordering::Relaxed)
    })
}
