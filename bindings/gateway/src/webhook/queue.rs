//! Which message is sent next, and when: what becomes of a message that the target did not take, and of those behind it.
//!
//! A target that does not answer, or answers that it cannot (a status of 5xx, 408, 425, 429), is *down*: everything waits, in its order, and one message
//! is tried now and then, until one is accepted; then all go. A message that the target *refuses* (any other status) waits on its
//! own while others pass. Both wait longer from time to time, by a draw, so that many gateways do not come at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::webhook::message::{Message, MessageId};

/// The first wait; each next one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// No wait is longer; one that the target asks for is no longer than twice this.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// A message that was refused as often as this and is as old as this is given up. Age alone is none: a clock can be set.
const GIVE_UP_ATTEMPTS: u32 = 16;
const GIVE_UP_AGE: Duration = Duration::from_hours(72);

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: MessageId,
    /// Its JSON; nothing where the spool has it.
    pub body: Option<Arc<[u8]>>,
    /// How often the target refused it.
    n_refused: u32,
}

/// What came of sending a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A status of 2xx.
    Accepted,
    /// The target is not there, or cannot now; it may say for how long.
    Down(Option<Duration>),
    /// The target does not take this message.
    Refused,
    /// The message cannot be sent any more: the target wants no more (410), or it vanished from the spool.
    Gone,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this.
    Send(Item),
    /// Nothing before then, or before something changes.
    Wait(Option<Instant>),
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was accepted.
    Delivered(MessageId),
    /// It will be tried again.
    Kept,
    /// It never will be.
    Lost(MessageId),
}

/// The messages that wait, and what is known of the target.
#[derive(Debug)]
pub struct Queue {
    max_messages: usize,
    max_bytes: usize,
    max_in_flight: usize,
    /// Offered, and not yet brought to the spool.
    fresh: VecDeque<Message>,
    /// Those that are being brought there.
    n_taken: usize,
    waiting: VecDeque<Item>,
    refused: BTreeMap<(Instant, MessageId), Item>,
    n_in_flight: usize,
    /// In memory.
    n_bytes: usize,
    down: Option<Down>,
}

#[derive(Debug)]
struct Down {
    n_failed: u32,
    try_at: Instant,
}

impl Item {
    /// A message that the spool has.
    #[must_use]
    pub fn spooled(id: MessageId) -> Self {
        Self { id, body: None, n_refused: 0 }
    }

    /// A message that is in memory alone.
    #[must_use]
    pub fn in_memory(message: Message) -> Self {
        Self { id: message.id, body: Some(message.body), n_refused: 0 }
    }

    fn n_bytes(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.len())
    }
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(max_messages: usize, max_bytes: usize, max_in_flight: usize) -> Self {
        Self {
            max_messages,
            max_bytes,
            max_in_flight,
            fresh: VecDeque::new(),
            n_taken: 0,
            waiting: VecDeque::new(),
            refused: BTreeMap::new(),
            n_in_flight: 0,
            n_bytes: 0,
            down: None,
        }
    }

    /// Takes a new message. Says `false` where there is no room: it is lost.
    #[must_use]
    pub fn offer(&mut self, message: Message) -> bool {
        let n_bytes = self.n_bytes.saturating_add(message.body.len());
        let has_room = self.n_messages() < self.max_messages && n_bytes <= self.max_bytes;
        if has_room {
            self.n_bytes = n_bytes;
            self.fresh.push_back(message);
        }
        has_room
    }

    /// The oldest that were not brought to the spool. They come back by [`give_back`](Self::give_back).
    pub fn take_fresh(&mut self, most: usize) -> Vec<Message> {
        let taken: Vec<_> = self.fresh.drain(..most.min(self.fresh.len())).collect();
        self.n_bytes -= taken.iter().map(|message| message.body.len()).sum::<usize>();
        self.n_taken += taken.len();
        taken
    }

    /// One of those that were [taken](Self::take_fresh) is ready to be sent.
    pub fn give_back(&mut self, item: Item) {
        self.n_taken -= 1;
        self.admit(item);
    }

    /// A message from before is ready to be sent.
    pub fn admit(&mut self, item: Item) {
        self.n_bytes += item.n_bytes();
        self.waiting.push_back(item);
    }

    /// What to do at this moment. What it gives to be sent comes back by [`done`](Self::done).
    pub fn next(&mut self, now: Instant) -> Next {
        if let Some(down) = &self.down {
            // One at a time, to see whether the target is back.
            if self.n_in_flight > 0 {
                return Next::Wait(None);
            }
            if now < down.try_at {
                return Next::Wait(Some(down.try_at));
            }
        } else if self.n_in_flight >= self.max_in_flight {
            return Next::Wait(None);
        }
        let due = self.refused.first_key_value().map(|((at, _), _)| *at);
        let item = match due {
            Some(at) if at <= now => self.refused.pop_first().map(|(_, item)| item),
            _ => self.waiting.pop_front(),
        };
        match item {
            Some(item) => {
                self.n_in_flight += 1;
                self.n_bytes -= item.n_bytes();
                Next::Send(item)
            }
            None => Next::Wait(due),
        }
    }

    /// What came of sending `item`. `draw` is between 0 and 1.
    pub fn done(&mut self, mut item: Item, outcome: Outcome, now: Instant, draw: f64) -> Fate {
        self.n_in_flight -= 1;
        match outcome {
            Outcome::Accepted => {
                self.down = None;
                Fate::Delivered(item.id)
            }
            Outcome::Gone => Fate::Lost(item.id),
            Outcome::Down(asked) => {
                let n_failed = self.down.as_ref().map_or(0, |down| down.n_failed);
                let wait = wait(n_failed, draw).max(asked.unwrap_or_default().min(LONGEST_WAIT * 2));
                self.down = Some(Down { n_failed: n_failed.saturating_add(1), try_at: now + wait });
                self.n_bytes += item.n_bytes();
                self.waiting.push_front(item);
                Fate::Kept
            }
            Outcome::Refused => {
                // It answered.
                self.down = None;
                if item.n_refused >= GIVE_UP_ATTEMPTS && item.id.age() > GIVE_UP_AGE {
                    return Fate::Lost(item.id);
                }
                let at = now + wait(item.n_refused, draw);
                item.n_refused = item.n_refused.saturating_add(1);
                self.n_bytes += item.n_bytes();
                self.refused.insert((at, item.id), item);
                Fate::Kept
            }
        }
    }

    /// All that is in memory alone, in its order, for a last try to keep it.
    pub fn take_memory(&mut self) -> Vec<Message> {
        let mut messages: Vec<Message> = self.fresh.drain(..).collect();
        for item in self.waiting.drain(..).chain(std::mem::take(&mut self.refused).into_values()) {
            messages.extend(item.body.map(|body| Message { id: item.id, body }));
        }
        self.n_bytes = 0;
        messages.sort_by_key(|message| message.id);
        messages
    }

    /// Messages that were not delivered, those on their way included.
    #[must_use]
    pub fn n_messages(&self) -> usize {
        self.fresh.len() + self.n_taken + self.waiting.len() + self.refused.len() + self.n_in_flight
    }

    /// There are messages for the spool.
    #[must_use]
    pub fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// The last that was tried found the target down.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.down.is_some()
    }
}

/// Between half of the wait of this turn and all of it.
fn wait(n_before: u32, draw: f64) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << n_before.min(16)).min(LONGEST_WAIT);
    longest.mul_f64(0.5 + draw.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(n: u64) -> Message {
        Message { id: MessageId::of_parts(n, n), body: vec![b'x'; 10].into() }
    }

    fn filled(n: u64) -> Queue {
        let mut queue = Queue::new(100, 1_000, 4);
        (0..n).for_each(|n| queue.admit(Item::in_memory(message(n))));
        queue
    }

    fn send(queue: &mut Queue, now: Instant) -> Item {
        match queue.next(now) {
            Next::Send(item) => item,
            Next::Wait(until) => panic!("waits until {until:?}"),
        }
    }

    #[test]
    fn a_target_that_is_down_is_tried_with_one_message_at_growing_intervals() {
        let (mut queue, mut now) = (filled(3), Instant::now());
        let (first, second) = (send(&mut queue, now), send(&mut queue, now));
        assert_eq!(queue.done(second, Outcome::Down(None), now, 1.0), Fate::Kept);
        assert_eq!(queue.next(now), Next::Wait(None), "the first is on its way still");
        assert_eq!(queue.done(first, Outcome::Down(None), now, 1.0), Fate::Kept);
        for seconds in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let until = now + Duration::from_secs(seconds);
            assert_eq!(queue.next(now), Next::Wait(Some(until)));
            now = until;
            let item = send(&mut queue, now);
            assert_eq!(item.id, message(0).id, "order is kept");
            queue.done(item, Outcome::Down(None), now, 1.0);
        }
        now += LONGEST_WAIT;
        let item = send(&mut queue, now);
        assert_eq!(queue.done(item, Outcome::Accepted, now, 1.0), Fate::Delivered(message(0).id));
        assert_eq!([send(&mut queue, now).id, send(&mut queue, now).id], [message(1).id, message(2).id]);
    }

    #[test]
    fn a_message_that_is_refused_holds_nobody_up() {
        let (mut queue, now) = (filled(2), Instant::now());
        let odd = send(&mut queue, now);
        queue.done(odd, Outcome::Refused, now, 0.0);
        let good = send(&mut queue, now);
        queue.done(good, Outcome::Accepted, now, 0.0);
        let due = now + Duration::from_millis(500);
        assert_eq!(queue.next(now), Next::Wait(Some(due)));
        assert_eq!(send(&mut queue, due).id, message(0).id);
    }

    #[test]
    fn what_is_refused_for_days_is_given_up_and_a_clock_that_jumps_gives_up_nothing() {
        let (mut queue, mut now) = (filled(1), Instant::now());
        // It was made in 1970: as if the clock had been set forward since.
        for turn in 0..=GIVE_UP_ATTEMPTS {
            now += LONGEST_WAIT;
            let item = send(&mut queue, now);
            let fate = queue.done(item, Outcome::Refused, now, 0.0);
            assert_eq!(fate == Fate::Kept, turn < GIVE_UP_ATTEMPTS);
        }
        assert_eq!(queue.n_messages(), 0);
    }

    #[test]
    fn a_target_may_ask_for_time_and_not_for_ever() {
        let (mut queue, now) = (filled(1), Instant::now());
        let item = send(&mut queue, now);
        queue.done(item, Outcome::Down(Some(Duration::from_hours(24))), now, 0.0);
        assert_eq!(queue.next(now), Next::Wait(Some(now + LONGEST_WAIT * 2)));
    }

    #[test]
    fn room_is_bounded_by_number_and_by_bytes() {
        let mut queue = Queue::new(3, 25, 4);
        assert!(queue.offer(message(0)) && queue.offer(message(1)));
        assert!(!queue.offer(message(2)), "25 bytes hold two");
        let spooled = queue.take_fresh(9);
        for message in spooled {
            queue.give_back(Item::spooled(message.id));
        }
        assert!(queue.offer(message(2)), "what the spool has takes no memory");
        assert!(!queue.offer(message(3)), "three messages");
    }

    proptest! {
        /// Whatever the target does, each message is delivered, lost aloud, or still there.
        #[test]
        fn none_vanishes(outcomes in prop::collection::vec(0..4_u8, 0..200), n in 0..40_u64) {
            let (mut queue, mut now) = (Queue::new(1_000, 1_000_000, 3), Instant::now());
            (0..n).for_each(|n| assert!(queue.offer(message(n))));
            let fresh = queue.take_fresh(1_000);
            for message in fresh {
                queue.give_back(Item::in_memory(message));
            }
            let (mut flying, mut over) = (Vec::new(), 0);
            for outcome in outcomes {
                let outcome = [Outcome::Accepted, Outcome::Down(None), Outcome::Refused, Outcome::Gone][usize::from(outcome)];
                match (queue.next(now), flying.pop()) {
                    (Next::Send(item), landed) => flying.extend(landed.into_iter().chain([item])),
                    (Next::Wait(_), Some(item)) => over += u64::from(queue.done(item, outcome, now, 0.5) != Fate::Kept),
                    (Next::Wait(at), None) => now = at.unwrap_or(now),
                }
                prop_assert_eq!(queue.n_messages() as u64 + over, n);
                prop_assert!(flying.len() <= 3);
            }
        }
    }
}
