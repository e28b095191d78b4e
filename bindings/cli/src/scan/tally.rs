//! What a batch came to.

use anstream::eprintln;
use veravox::Decision;
use veravox::report::{FileReport, Outcome};

use crate::words::shown;

#[derive(Default)]
pub struct Tally {
    pub n_files: usize,
    pub n_synthetic: usize,
    n_inconclusive: usize,
    pub failures: Vec<(String, String)>,
}

impl Tally {
    /// Counts a file by its report.
    pub fn add(&mut self, report: &FileReport) {
        match &report.outcome {
            Outcome::Scanned(call) => {
                let decisions: Vec<Decision> = call.legs.iter().map(|leg| leg.decision).collect();
                self.count(&report.path, &decisions, None);
            }
            Outcome::Failed(failure) => self.count(&report.path, &[], Some(failure.error.message.clone())),
        }
    }

    /// Counts a file by the decisions on its legs, or by why there are none.
    pub fn count(&mut self, path: &str, decisions: &[Decision], failure: Option<String>) {
        self.n_files += 1;
        if let Some(message) = failure {
            self.failures.push((path.to_owned(), message));
        } else if decisions.contains(&Decision::Synthetic) {
            self.n_synthetic += 1;
        } else if decisions.contains(&Decision::Inconclusive) {
            self.n_inconclusive += 1;
        }
    }

    /// On standard error, so that it never mixes with results that go elsewhere.
    pub fn print(&self, n_passed_over: usize) {
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
            eprintln!("  {}: {error}", shown(path));
        }
    }
}
