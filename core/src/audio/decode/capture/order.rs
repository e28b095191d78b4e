//! The packets of a stream in the order of their sequence numbers, each once.

/// Packets that are waited for at most: 0.6 s of those of 20 ms.
const WINDOW: usize = 32;
/// Packets after which a stream is taken to have begun; before that none is too late.
const BEGINNING: usize = 8;
/// A step of sequence numbers larger than these is a restart (RFC 3550, appendix A.1).
const MAX_AHEAD: u16 = 3_000;
const MAX_BEHIND: u16 = 100;

/// A packet of RTP.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Packet {
    pub sequence: u16,
    pub timestamp: u32,
    pub payload_type: u8,
    /// When it was captured.
    pub seconds: f64,
    pub payload: Vec<u8>,
}

/// What went wrong on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Disorder {
    pub duplicates: u64,
    pub reordered: u64,
    pub late: u64,
}

/// Puts packets in order.
#[derive(Default)]
pub(super) struct Order {
    /// The sequence number that comes next; none before the stream has begun.
    next: Option<u16>,
    /// Packets that came too early, in order.
    waiting: Vec<Packet>,
    /// Which of the sequence numbers before the next one came: the lowest bit is the last.
    came: u128,
    /// After a step that may be a restart, the number that would make it one.
    restart: Option<u16>,
    disorder: Disorder,
}

impl Order {
    pub fn disorder(&self) -> Disorder {
        self.disorder
    }

    /// Takes a packet. Calls `deliver` with those that are in order, and how many before each are missing.
    pub fn push(&mut self, packet: Packet, deliver: &mut dyn FnMut(Packet, u16)) {
        let sequence = packet.sequence;
        let from = self.next.or_else(|| self.waiting.first().map(|first| first.sequence)).unwrap_or(sequence);
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
        let at = |packet: &Packet| packet.sequence.wrapping_sub(from).cast_signed();
        let here = at(&packet);
        if self.waiting.iter().any(|waiting| waiting.sequence == sequence) {
            self.disorder.duplicates += 1;
            return;
        }
        let place = self.waiting.partition_point(|waiting| at(waiting) < here);
        self.disorder.reordered += u64::from(place < self.waiting.len());
        self.waiting.insert(place, packet);
        if self.next.is_some() || self.waiting.len() >= BEGINNING {
            self.release(WINDOW, deliver);
        }
    }

    /// Nothing more comes: what waits is all there is.
    pub fn flush(&mut self, deliver: &mut dyn FnMut(Packet, u16)) {
        self.release(0, deliver);
    }

    /// Delivers what is in order, and what too many wait behind.
    fn release(&mut self, most: usize, deliver: &mut dyn FnMut(Packet, u16)) {
        while let Some(first) = self.waiting.first() {
            let next = self.next.unwrap_or(first.sequence);
            let n_missing = first.sequence.wrapping_sub(next);
            if n_missing > 0 && self.waiting.len() <= most {
                break;
            }
            let packet = self.waiting.remove(0);
            self.next = Some(packet.sequence.wrapping_add(1));
            self.came = self.came.checked_shl(u32::from(n_missing) + 1).unwrap_or(0) | 1;
            deliver(packet, n_missing);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(sequence: u16) -> Packet {
        Packet { sequence, timestamp: 0, payload_type: 0, seconds: 0.0, payload: Vec::new() }
    }

    fn run(sequences: impl IntoIterator<Item = u16>) -> (Vec<(u16, u16)>, Disorder) {
        let (mut order, mut out) = (Order::default(), Vec::new());
        let mut deliver = |packet: Packet, n_missing| out.push((packet.sequence, n_missing));
        sequences.into_iter().for_each(|sequence| order.push(packet(sequence), &mut deliver));
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
