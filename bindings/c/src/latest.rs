//! The newest verdict of a leg, which any thread reads without a lock.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::status::vvx_status;
use crate::verdict::{vvx_decision, vvx_stage, vvx_state, vvx_verdict};

const WORDS: usize = 11;

/// A sequence lock: who reads tries again where a writer came between. Writers take turns by a lock of their own; they store
/// eleven words, so that a reader is held up for nanoseconds.
pub(crate) struct Latest {
    /// Odd while a writer writes.
    version: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl Latest {
    pub fn new() -> Self {
        let latest = Self { version: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] };
        latest.write(&vvx_verdict::NONE);
        latest
    }

    /// One writer at a time.
    pub fn write(&self, verdict: &vvx_verdict) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, value) in self.words.iter().zip(pack(verdict)) {
            word.store(value, Ordering::Relaxed);
        }
        self.version.store(version + 2, Ordering::Release);
    }

    pub fn read(&self) -> vvx_verdict {
        loop {
            let before = self.version.load(Ordering::Acquire);
            let words = std::array::from_fn(|n| self.words.get(n).map_or(0, |word| word.load(Ordering::Relaxed)));
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == before {
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
