//! What the phone system is to be told: the last verdict of each leg, until it is told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::hub::{LegNews, Protocol, What};
use crate::id::Id;
use crate::words::Words;

/// Of legs that ended, how long their last verdict is kept for an Asterisk that does not answer.
const KEEP_ENDED: Duration = Duration::from_mins(1);
/// Tries to find the channel of a leg, and the time between them: it may say its UUID before its dialplan's step is seen.
const TRIES: u32 = 5;
const TRY_EVERY: Duration = Duration::from_millis(500);
/// Legs that are kept at most.
const MAX_LEGS: usize = 20_000;

/// Where the variables go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The channel of the call with this UUID is to be found first.
    Unknown { tries: u32, next: Instant },
    /// These channels, by unique id or name.
    Channels(Vec<String>),
}

/// What is to be told of a leg.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The UUID that its call has.
    pub call: Id,
    /// Where.
    pub place: Place,
    /// What.
    pub words: Words,
    /// It was told.
    is_told: bool,
    ended: Option<Instant>,
}

/// Of all legs.
#[derive(Debug, Default)]
pub struct Wants {
    legs: BTreeMap<Id, Wanted>,
}

/// What is due.
#[derive(Debug, Default)]
pub struct Due {
    /// Legs whose channels are to be found, with the UUIDs of their calls.
    pub to_find: Vec<(Id, Id)>,
    /// Legs that are to be told: channels and words.
    pub to_tell: Vec<(Id, Vec<String>, Words)>,
    /// When there may be more, if nothing happens before.
    pub next: Option<Instant>,
}

impl Wants {
    /// Takes what happened to a leg. Says whether there is something to do.
    pub fn hear(&mut self, news: &LegNews, now: Instant) -> bool {
        let (words, has_ended) = match &news.what {
            What::Opened => (Words { cause: "too_little_speech".to_owned(), ..Words::default() }, false),
            What::Verdict { words } => (words.clone(), false),
            What::Ended { words, .. } => (words.clone(), true),
            What::Window { .. } => return false,
        };
        let ended = has_ended.then_some(now);
        if let Some(wanted) = self.legs.get_mut(&news.info.leg) {
            let is_same = wanted.words == words;
            wanted.is_told &= is_same;
            (wanted.words, wanted.ended) = (words, ended);
            if wanted.is_told && has_ended {
                self.legs.remove(&news.info.leg);
            }
            return !is_same;
        }
        // A leg is known from its beginning, or its channel was not found.
        let place = match (&news.info.channel, news.info.protocol) {
            _ if news.info.track > 0 || !matches!(news.what, What::Opened) => return false,
            (Some(channel), _) => Place::Channels(vec![channel.clone()]),
            (None, Protocol::AudioSocket | Protocol::Asterisk | Protocol::Rtp) => {
                Place::Unknown { tries: 0, next: now }
            }
            (None, _) => return false,
        };
        if self.legs.len() >= MAX_LEGS {
            return false;
        }
        self.legs.insert(news.info.leg, Wanted { call: news.info.call, place, words, is_told: false, ended });
        true
    }

    /// What is to be done now, of at most so many legs.
    pub fn due(&mut self, now: Instant, most: usize) -> Due {
        self.legs.retain(|_, wanted| wanted.ended.is_none_or(|at| now.duration_since(at) < KEEP_ENDED));
        let mut due = Due::default();
        for (leg, wanted) in &self.legs {
            match &wanted.place {
                Place::Unknown { next, .. } if *next <= now => due.to_find.push((*leg, wanted.call)),
                Place::Unknown { next, .. } => due.next = due.next.into_iter().chain([*next]).min(),
                Place::Channels(channels) if !wanted.is_told && due.to_tell.len() < most => {
                    due.to_tell.push((*leg, channels.clone(), wanted.words.clone()));
                }
                Place::Channels(_) => {}
            }
        }
        due
    }

    /// The channels of a leg were looked for. Says `false` where they are given up.
    pub fn found(&mut self, leg: &Id, channels: Vec<String>, now: Instant) -> bool {
        let Some(wanted) = self.legs.get_mut(leg) else { return true };
        match &mut wanted.place {
            place if !channels.is_empty() => *place = Place::Channels(channels),
            Place::Unknown { tries, .. } if *tries + 1 >= TRIES => {
                self.legs.remove(leg);
                return false;
            }
            Place::Unknown { tries, next } => (*tries, *next) = (*tries + 1, now + TRY_EVERY * (*tries + 1)),
            Place::Channels(_) => {}
        }
        true
    }

    /// The phone system was told these words of a leg.
    pub fn told(&mut self, leg: &Id, words: &Words) {
        if let Some(wanted) = self.legs.get_mut(leg)
            && wanted.words == *words
        {
            wanted.is_told = true;
            if wanted.ended.is_some() {
                self.legs.remove(leg);
            }
        }
    }

    /// The phone system has no such channel any more, or the leg cannot be told.
    pub fn forget(&mut self, leg: &Id) {
        self.legs.remove(leg);
    }

    /// There are channels that do not know the last verdict yet.
    #[must_use]
    pub fn has_untold(&self) -> bool {
        self.legs.values().any(|wanted| !wanted.is_told && matches!(wanted.place, Place::Channels(_)))
    }

    /// Legs that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.legs.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::hub::LegInfo;
    use crate::words::Status;

    fn info(channel: Option<&str>, track: usize) -> Arc<LegInfo> {
        let channel = channel.map(str::to_owned);
        let (leg, call) = (Id::random(), Id::random());
        let protocol = Protocol::AudioSocket;
        Arc::new(LegInfo { leg, call, protocol, track, sample_rate_hz: 8_000, started_ms: 0, channel })
    }

    fn news(info: &Arc<LegInfo>, what: What) -> LegNews {
        LegNews { info: Arc::clone(info), at_ms: 0, heard_ms: 0, what }
    }

    fn words(speech_ms: u64) -> Words {
        Words { status: Status::Synthetic, speech_ms, ..Words::default() }
    }

    #[test]
    fn the_last_verdict_is_told_and_each_once() {
        let (mut wants, now) = (Wants::default(), Instant::now());
        let leg = info(Some("PJSIP/100-1"), 0);
        assert!(wants.hear(&news(&leg, What::Opened), now));
        assert!(wants.hear(&news(&leg, What::Verdict { words: words(1) }), now));
        assert!(wants.hear(&news(&leg, What::Verdict { words: words(2) }), now));
        let [(of, channels, told)] = &wants.due(now, 9).to_tell[..] else { panic!("one leg") };
        assert_eq!((of, &channels[..], told), (&leg.leg, &["PJSIP/100-1".to_owned()][..], &words(2)));
        // While it was told, there was another.
        assert!(wants.hear(&news(&leg, What::Verdict { words: words(3) }), now));
        wants.told(&leg.leg, &words(2));
        assert!(wants.has_untold());
        wants.told(&leg.leg, &words(3));
        assert!(!wants.hear(&news(&leg, What::Verdict { words: words(3) }), now), "it knows that");
        assert!(wants.due(now, 9).to_tell.is_empty());
        wants.hear(&news(&leg, What::Ended { words: words(3), report: None }), now);
        assert_eq!(wants.len(), 0, "nothing more is to be told");
    }

    #[test]
    fn a_leg_that_ended_untold_is_kept_for_a_minute() {
        let (mut wants, now) = (Wants::default(), Instant::now());
        let leg = info(Some("PJSIP/100-1"), 0);
        wants.hear(&news(&leg, What::Opened), now);
        wants.hear(&news(&leg, What::Ended { words: words(3), report: None }), now);
        assert_eq!(wants.due(now + Duration::from_secs(59), 9).to_tell.len(), 1);
        assert!(wants.due(now + Duration::from_secs(61), 9).to_tell.is_empty());
        assert_eq!(wants.len(), 0);
    }

    #[test]
    fn a_channel_is_looked_for_some_times_at_growing_intervals() {
        let (mut wants, mut now) = (Wants::default(), Instant::now());
        let leg = info(None, 0);
        wants.hear(&news(&leg, What::Opened), now);
        for tries in 1..=TRIES {
            assert_eq!(wants.due(now, 9).to_find, [(leg.leg, leg.call)]);
            assert_eq!(wants.found(&leg.leg, Vec::new(), now), tries < TRIES);
            let due = wants.due(now, 9);
            assert!(due.to_find.is_empty());
            assert_eq!(due.next.is_some(), tries < TRIES);
            now = due.next.unwrap_or(now);
        }
        assert!(!wants.hear(&news(&leg, What::Verdict { words: words(1) }), now), "it was given up");
    }

    #[test]
    fn only_the_callers_side_of_a_call_of_asterisks_is_told() {
        let (mut wants, now) = (Wants::default(), Instant::now());
        assert!(!wants.hear(&news(&info(Some("PJSIP/100-1"), 1), What::Opened), now));
        let elsewhere = LegInfo { protocol: Protocol::Twilio, ..LegInfo::clone(&info(None, 0)) };
        assert!(!wants.hear(&news(&Arc::new(elsewhere), What::Opened), now));
        assert_eq!(wants.len(), 0);
    }
}
