//! The packets of a stream in the order of their sequence numbers, each once.

/// Packets of a recording that are waited for at most: 0.6 s of those of 20 ms.
const WINDOW: usize = 32;
/// Packets after which the stream of a recording is taken to have begun; before that none is too late.
const BEGINNING: usize = 8;
/// The same of a stream that is listened to while it is sent: nobody waits long for what may never come, nor to begin.
const LIVE_WINDOW: usize = 8;
const LIVE_BEGINNING: usize = 1;
/// A step of sequence numbers larger than these is a restart (RFC 3550, appendix A.1).
const MAX_AHEAD: u16 = 3_000;
const MAX_BEHIND: u16 = 100;

/// What went wrong on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disorder {
    /// Packets that had come before.
    pub duplicates: u64,
    /// Packets that came after one that they go before.
    pub reordered: u64,
    /// Packets that came when they were waited for no longer.
    pub late: u64,
}

/// Puts the packets of one stream in order. At most 33 wait at a time.
///
/// ```
/// use veravox::rtp::Order;
///
/// let (mut order, mut told) = (Order::live(), Vec::new());
/// for (sequence, word) in [(7, "one"), (9, "three"), (8, "two"), (8, "two")] {
///     order.push(sequence, word, &mut |word, n_missing| told.push((word, n_missing)));
/// }
/// assert_eq!(told, [("one", None), ("two", Some(0)), ("three", Some(0))]);
/// assert_eq!(order.disorder().duplicates, 1);
/// ```
pub struct Order<T> {
    window: usize,
    beginning: usize,
    /// The sequence number that comes next; none before the stream has begun.
    next: Option<u16>,
    /// Packets that came too early, in order.
    waiting: Vec<(u16, T)>,
    /// Which of the sequence numbers before the next one came: the lowest bit is the last.
    came: u128,
    /// After a step that may be a restart, the number that would make it one.
    restart: Option<u16>,
    disorder: Disorder,
}

impl<T> Order<T> {
    /// Of a recording, in which waiting costs nothing.
    #[must_use]
    pub fn recorded() -> Self {
        Self::new(WINDOW, BEGINNING)
    }

    /// Of a call that goes on: the first packet is delivered when it comes, and a missing one is waited for until eight more came.
    #[must_use]
    pub fn live() -> Self {
        Self::new(LIVE_WINDOW, LIVE_BEGINNING)
    }

    fn new(window: usize, beginning: usize) -> Self {
        let (waiting, disorder) = (Vec::new(), Disorder::default());
        Self { window, beginning, next: None, waiting, came: 0, restart: None, disorder }
    }

    /// What went wrong so far.
    #[must_use]
    pub fn disorder(&self) -> Disorder {
        self.disorder
    }

    /// Takes the packet with this sequence number. Calls `deliver` with those that are in order, and how many before each are
    /// missing; of the first of a stream, and of one that began anew, nothing tells that.
    pub fn push(&mut self, sequence: u16, packet: T, deliver: &mut dyn FnMut(T, Option<u16>)) {
        let from = self.next.or_else(|| self.waiting.first().map(|(first, _)| *first)).unwrap_or(sequence);
        let (ahead, behind) = (sequence.wrapping_sub(from), from.wrapping_sub(sequence));
        if ahead > MAX_AHEAD && behind > MAX_BEHIND {
            if self.restart != Some(sequence) {
                self.restart = Some(sequence.wrapping_add(1));
                return;
            }
            self.flush(deliver);
            (self.next, self.came) = (None, 0);
        }
        self.restart = None;
        let is_past = self.next.is_some() && ahead > MAX_AHEAD;
        if is_past {
            let before = u32::from(behind) - 1;
            let came = before < u128::BITS && self.came >> before & 1 == 1;
            *(if came { &mut self.disorder.duplicates } else { &mut self.disorder.late }) += 1;
            return;
        }
        // Distances that wrap below the beginning come out negative.
        let at = |sequence: u16| sequence.wrapping_sub(from).cast_signed();
        if self.waiting.iter().any(|(waiting, _)| *waiting == sequence) {
            self.disorder.duplicates += 1;
            return;
        }
        let place = self.waiting.partition_point(|(waiting, _)| at(*waiting) < at(sequence));
        self.disorder.reordered += u64::from(place < self.waiting.len());
        self.waiting.insert(place, (sequence, packet));
        if self.next.is_some() || self.waiting.len() >= self.beginning {
            self.release(self.window, deliver);
        }
    }

    /// Nothing more comes: what waits is all there is.
    pub fn flush(&mut self, deliver: &mut dyn FnMut(T, Option<u16>)) {
        self.release(0, deliver);
    }

    /// Delivers what is in order, and what too many wait behind.
    fn release(&mut self, most: usize, deliver: &mut dyn FnMut(T, Option<u16>)) {
        while let Some((first, _)) = self.waiting.first() {
            let n_missing = self.next.map(|next| first.wrapping_sub(next));
            if n_missing.is_some_and(|n| n > 0) && self.waiting.len() <= most {
                break;
            }
            let (sequence, packet) = self.waiting.remove(0);
            self.next = Some(sequence.wrapping_add(1));
            self.came = self.came.checked_shl(u32::from(n_missing.unwrap_or(0)) + 1).unwrap_or(0) | 1;
            deliver(packet, n_missing);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(sequences: impl IntoIterator<Item = u16>) -> (Vec<(u16, u16)>, Disorder) {
        let (mut order, mut out) = (Order::recorded(), Vec::new());
        let mut deliver = |sequence: u16, n_missing: Option<u16>| out.push((sequence, n_missing.unwrap_or(0)));
        sequences.into_iter().for_each(|sequence| order.push(sequence, sequence, &mut deliver));
        order.flush(&mut deliver);
        let disorder = order.disorder();
        (out, disorder)
    }

    #[test]
    fn a_stream_that_restarts_goes_on() {
        let (out, _) = run((0..50).chain(40_000..40_050));
        // The first of the restart is what showed it.
        assert_eq!(out.len(), 99);
        assert_eq!(out[50], (40_001, 0));
        let (out, disorder) = run((0..50).chain([40_000]).chain(50..60));
        assert_eq!((out.len(), disorder), (60, Disorder::default()), "one odd packet is none of the stream");
    }

    #[test]
    fn what_is_missing_is_counted_once() {
        let (out, disorder) = run((0..20).chain(25..70).chain([22]));
        assert_eq!(out[20], (25, 5));
        assert!(out.iter().skip(21).all(|(_, n_missing)| *n_missing == 0));
        assert_eq!(disorder, Disorder { late: 1, ..Disorder::default() });
    }

    #[test]
    fn a_live_stream_waits_for_eight_packets_and_says_where_it_began_anew() {
        let (mut order, mut out) = (Order::live(), Vec::new());
        let sequences = (0..3).chain(4..12).chain([3, 12]).chain(40_000..40_003);
        sequences.for_each(|sequence| order.push(sequence, sequence, &mut |n, n_missing| out.push((n, n_missing))));
        let steps: Vec<_> = out.iter().filter(|(_, n_missing)| *n_missing != Some(0)).copied().collect();
        assert_eq!(steps, [(0, None), (40_001, None)], "the ninth was not there when the missing one came");
        let (mut order, mut out) = (Order::live(), Vec::new());
        (0..3).chain(4..13).for_each(|n| order.push(n, n, &mut |n, n_missing| out.push((n, n_missing))));
        assert_eq!((out.len(), out[3]), (12, (4, Some(1))));
    }

    proptest! {
        /// However packets are shuffled by a few places and repeated, each is delivered once and in order, across the wrap too.
        #[test]
        fn order_is_restored(
            start in any::<u16>(),
            n in 1_usize..200,
            jitter in prop::collection::vec(0_usize..7, 200),
            twice in prop::collection::vec(any::<bool>(), 200),
        ) {
            let mut arrivals: Vec<(usize, u16)> =
                (0..n).map(|k| (k + jitter[k], start.wrapping_add(k as u16))).collect();
            arrivals.sort_by_key(|(at, _)| *at);
            let repeated = arrivals.iter().flat_map(|(_, s)| std::iter::repeat_n(*s, 1 + usize::from(twice[usize::from(s.wrapping_sub(start))])));
            let (out, disorder) = run(repeated);
            let expected: Vec<_> = (0..n).map(|k| (start.wrapping_add(k as u16), 0)).collect();
            prop_assert_eq!(out, expected);
            let n_twice = twice.iter().take(n).filter(|t| **t).count() as u64;
            prop_assert_eq!((disorder.duplicates, disorder.late), (n_twice, 0));
        }

        /// Whatever comes, no packet is delivered twice and none is made up.
        #[test]
        fn nothing_is_made_up(sequences in prop::collection::vec(prop_oneof![0_u16..300, any::<u16>()], 0..400)) {
            let (out, disorder) = run(sequences.clone());
            let counted = out.len() as u64 + disorder.duplicates + disorder.late;
            prop_assert!(counted <= sequences.len() as u64);
        }
    }
}
