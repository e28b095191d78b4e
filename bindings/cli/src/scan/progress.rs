//! How far a batch is: on standard error, on a terminal only.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::files::AudioFile;

/// The bar counts bytes, the one measure of work that is known of every file before it is opened.
pub struct Progress {
    bar: ProgressBar,
    n_files: usize,
    n_done: AtomicUsize,
    audio_ms: AtomicU64,
    started: Instant,
}

impl Progress {
    pub fn new(files: &[AudioFile], quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(5) };
        let n_bytes = files.iter().map(|f| f.n_bytes).sum();
        let bar = ProgressBar::with_draw_target(Some(n_bytes), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left") {
            bar.set_style(style);
        }
        // Where nobody sees the bar no thread need turn it.
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        let progress = Self {
            bar,
            n_files: files.len(),
            n_done: AtomicUsize::new(0),
            audio_ms: AtomicU64::new(0),
            started: Instant::now(),
        };
        progress.tell();
        progress
    }

    /// A meter for one file; when it is dropped the file counts as done.
    pub fn file(&self, file: &AudioFile) -> FileMeter<'_> {
        FileMeter { progress: self, n_bytes: file.n_bytes, bytes_told: Cell::new(0), ms_told: Cell::new(0) }
    }

    /// Takes the bar away while results are printed.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn tell(&self) {
        let audio_seconds = self.audio_ms.load(Ordering::Relaxed) as f64 / 1_000.0;
        let rate = audio_seconds / self.started.elapsed().as_secs_f64().max(1e-3);
        let n_done = self.n_done.load(Ordering::Relaxed);
        self.bar.set_message(format!("{n_done}/{} files  {rate:.0}x real time", self.n_files));
    }
}

/// Tells the progress of one file.
pub struct FileMeter<'a> {
    progress: &'a Progress,
    n_bytes: u64,
    bytes_told: Cell<u64>,
    ms_told: Cell<u64>,
}

impl FileMeter<'_> {
    pub fn update(&self, now: veravox::detector::Progress) {
        let share = now.total_seconds.filter(|t| *t > 0.0).map_or(0.0, |total| (now.read_seconds / total).min(1.0));
        let ms = (now.read_seconds * 1_000.0) as u64;
        self.advance((share * self.n_bytes as f64) as u64, ms);
    }

    fn advance(&self, bytes: u64, ms: u64) {
        let fresh = bytes.saturating_sub(self.bytes_told.get());
        self.bytes_told.set(self.bytes_told.get() + fresh);
        self.progress.audio_ms.fetch_add(ms.saturating_sub(self.ms_told.get()), Ordering::Relaxed);
        self.ms_told.set(ms);
        // Chunks are short; the bar needs no word of each.
        if fresh > 0 {
            self.progress.bar.inc(fresh);
            self.progress.tell();
        }
    }
}

impl Drop for FileMeter<'_> {
    fn drop(&mut self) {
        self.progress.n_done.fetch_add(1, Ordering::Relaxed);
        self.advance(self.n_bytes, self.ms_told.get());
        self.progress.tell();
    }
}
