//! Loops in the widest vector registers that the processor at hand has.

/// Runs `work`, whose loops are compiled once for every processor and once for those with wide vectors (AVX2); the better
/// one is chosen as it runs. Sums keep their order, so both give the same numbers. The closure, and what it calls in its
/// loops, must be `#[inline(always)]`: only what is inlined is compiled for the wider registers.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see above")]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
