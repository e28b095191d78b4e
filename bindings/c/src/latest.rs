//! The newest verdict of a leg, which any thread reads without a lock.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::status::vvx_status;
use crate::verdict::{vvx_decision, vvx_stage, vvx_state, vvx_verdict};

const WORDS: usize = 11;

/// Two places that are written in turn: whoever reads the newer one is not held up by a writer that is stopped in the midst of
/// the other, and tries again only where a whole verdict came meanwhile. Writers take turns by a lock of their own.
pub(crate) struct Latest {
    /// How many verdicts were written; the newest lies in the place of that number.
    n_written: AtomicU64,
    places: [[AtomicU64; WORDS]; 2],
}

impl Latest {
    pub fn new() -> Self {
        let latest = Self { n_written: AtomicU64::new(0), places: [const { [const { AtomicU64::new(0) }; WORDS] }; 2] };
        latest.write(&vvx_verdict::NONE);
        latest
    }

    fn place(&self, number: u64) -> &[AtomicU64; WORDS] {
        let [even, odd] = &self.places;
        if number.is_multiple_of(2) { even } else { odd }
    }

    /// One writer at a time.
    pub fn write(&self, verdict: &vvx_verdict) {
        let number = self.n_written.load(Ordering::Relaxed) + 1;
        // Who sees a word that is stored below sees, after a fence of its own, the number of the verdict before.
        fence(Ordering::Release);
        for (word, value) in self.place(number).iter().zip(pack(verdict)) {
            word.store(value, Ordering::Relaxed);
        }
        self.n_written.store(number, Ordering::Release);
    }

    pub fn read(&self) -> vvx_verdict {
        loop {
            let number = self.n_written.load(Ordering::Acquire);
            let mut words = [0; WORDS];
            for (value, word) in words.iter_mut().zip(self.place(number)) {
                *value = word.load(Ordering::Relaxed);
            }
            fence(Ordering::Acquire);
            if self.n_written.load(Ordering::Relaxed) == number {
                return unpack(&words);
            }
            std::hint::spin_loop();
        }
    }
}

fn pair(high: i32, low: i32) -> u64 {
    (u64::from(high.cast_unsigned()) << 32) | u64::from(low.cast_unsigned())
}

fn pack(verdict: &vvx_verdict) -> [u64; WORDS] {
    [
        pair(verdict.decision as i32, verdict.stage as i32),
        pair(verdict.state as i32, verdict.error as i32),
        u64::from(verdict.reasons),
        verdict.llr.to_bits(),
        verdict.probability.to_bits(),
        verdict.speech_seconds.to_bits(),
        verdict.firm_at_seconds.to_bits(),
        verdict.lost_seconds.to_bits(),
        verdict.held_seconds.to_bits(),
        verdict.shed_windows,
        verdict.replaced_windows,
    ]
}

fn unpack(words: &[u64; WORDS]) -> vvx_verdict {
    let [answer, state, reasons, llr, probability, speech, firm_at, lost, held, shed_windows, replaced_windows] =
        *words;
    let (high, low) = (|word: u64| (word >> 32) as i32, |word: u64| word as i32);
    vvx_verdict {
        decision: match high(answer) {
            1 => vvx_decision::Synthetic,
            2 => vvx_decision::Bonafide,
            _ => vvx_decision::Inconclusive,
        },
        stage: match low(answer) {
            1 => vvx_stage::Provisional,
            2 => vvx_stage::Firm,
            3 => vvx_stage::Changed,
            _ => vvx_stage::Listening,
        },
        state: match high(state) {
            1 => vvx_state::Ended,
            2 => vvx_state::Failed,
            _ => vvx_state::Open,
        },
        // The two that a leg fails with, and the one that is for all others.
        error: match low(state) {
            0 => vvx_status::Ok,
            9 => vvx_status::Panic,
            29 => vvx_status::Runtime,
            31 => vvx_status::Cancelled,
            _ => vvx_status::Other,
        },
        reasons: reasons as u32,
        llr: f64::from_bits(llr),
        probability: f64::from_bits(probability),
        speech_seconds: f64::from_bits(speech),
        firm_at_seconds: f64::from_bits(firm_at),
        lost_seconds: f64::from_bits(lost),
        held_seconds: f64::from_bits(held),
        shed_windows,
        replaced_windows,
        ..vvx_verdict::NONE
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn a_verdict_comes_out_as_it_went_in() {
        let latest = Latest::new();
        assert_eq!(latest.read().decision, vvx_decision::Inconclusive);
        let verdict = vvx_verdict {
            decision: vvx_decision::Synthetic,
            stage: vvx_stage::Changed,
            reasons: 5,
            llr: -1.5,
            probability: 0.25,
            speech_seconds: 3.0,
            firm_at_seconds: 4.0,
            lost_seconds: 5.0,
            held_seconds: 6.0,
            shed_windows: 7,
            replaced_windows: 8,
            ..vvx_verdict::NONE
        };
        for error in [vvx_status::Ok, vvx_status::Panic, vvx_status::Runtime, vvx_status::Cancelled] {
            for state in [vvx_state::Open, vvx_state::Ended, vvx_state::Failed] {
                let verdict = vvx_verdict { state, error, ..verdict };
                latest.write(&verdict);
                assert_eq!(format!("{:?}", latest.read()), format!("{verdict:?}"));
            }
        }
    }

    #[test]
    fn no_reader_sees_half_of_one_and_half_of_another() {
        let (latest, stop) = (Latest::new(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let read = latest.read();
                        assert_eq!(read.shed_windows, read.replaced_windows);
                        assert!(read.speech_seconds.to_bits() == (read.shed_windows as f64).to_bits());
                    }
                });
            }
            for n in 0..200_000 {
                let speech_seconds = n as f64;
                latest.write(&vvx_verdict {
                    shed_windows: n,
                    replaced_windows: n,
                    speech_seconds,
                    ..vvx_verdict::NONE
                });
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
