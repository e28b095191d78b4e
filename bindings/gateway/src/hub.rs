//! Where what is heard meets what is told: the legs in progress, and the news of each.
//!
//! Protocols open legs here and say what became of them. Whatever tells somebody (pages, webhooks, AMI, metrics) reads the legs,
//! subscribes to the news, or is an [`Outlet`], which misses none. Neither side knows the other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use tokio::sync::{broadcast, watch};
use veravox::report::{LegVerdict, WindowReport};
use veravox::stream::Event;

use crate::id::Id;
use crate::words::{Fault, Status, Words};

/// News that a subscriber may be behind; one that is further behind is told how many it missed.
const MAX_NEWS: usize = 4_096;

/// How a leg's audio comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Asterisk's `AudioSocket`.
    AudioSocket,
    /// Asterisk's `chan_websocket`.
    Asterisk,
    /// `mod_audio_fork`, `mod_audio_stream`, jambonz.
    Fork,
    /// Twilio Media Streams.
    Twilio,
    /// Genesys `AudioHook`.
    AudioHook,
    /// Plain RTP.
    Rtp,
}

impl Protocol {
    /// All of them, for counters.
    pub const ALL: [Self; 6] =
        [Self::AudioSocket, Self::Asterisk, Self::Fork, Self::Twilio, Self::AudioHook, Self::Rtp];

    /// The name as it stands in JSON and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AudioSocket => "audio_socket",
            Self::Asterisk => "asterisk",
            Self::Fork => "fork",
            Self::Twilio => "twilio",
            Self::AudioHook => "audio_hook",
            Self::Rtp => "rtp",
        }
    }
}

/// What is known of a leg from its beginning. Nothing of it is a number or a name of a caller, but for [`channel`](Self::channel).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegInfo {
    /// Of this leg alone; random.
    pub leg: Id,
    /// Of all legs of the call: the id that the protocol brings where that is a UUID, else random.
    pub call: Id,
    /// How its audio comes.
    pub protocol: Protocol,
    /// Which side of the call, from 0.
    pub track: usize,
    /// Samples a second.
    pub sample_rate_hz: u32,
    /// When it began, in milliseconds since 1970 by this machine's clock.
    pub started_ms: u64,
    /// The phone system's own name for the channel, for setting its variables. It may hold a caller's number, and goes nowhere
    /// but to the phone system that it came from.
    #[serde(skip)]
    pub channel: Option<String>,
}

/// A leg in progress, as `GET /v1/legs` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LegNow {
    /// What is known from its beginning.
    #[serde(flatten, serialize_with = "shared")]
    pub info: Arc<LegInfo>,
    /// The verdict so far.
    #[serde(flatten)]
    pub words: Words,
    /// Milliseconds of audio heard, pauses and losses included.
    pub heard_ms: u64,
}

/// Something that happened to a leg.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LegNews {
    /// Which leg.
    #[serde(flatten, serialize_with = "shared")]
    pub info: Arc<LegInfo>,
    /// When, in milliseconds since 1970 by this machine's clock.
    pub at_ms: u64,
    /// Milliseconds of audio that were heard by then.
    pub heard_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened to a leg.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// Its audio begins.
    Opened,
    /// A window was scored.
    Window {
        /// Its score.
        window: WindowReport,
    },
    /// Another verdict than before, or a better founded one.
    Verdict {
        /// The verdict.
        #[serde(flatten)]
        words: Words,
    },
    /// The last: its audio ended, or it was not watched.
    Ended {
        /// The verdict at the end.
        #[serde(flatten)]
        words: Words,
        /// The report on the leg; none with the status ERROR.
        report: Option<Box<LegVerdict>>,
    },
}

/// Takes all news of all legs, in the order of each leg. Called where audio is taken: it must neither wait nor fail.
pub trait Outlet: Send + Sync {
    /// Something happened.
    fn tell(&self, news: &Arc<LegNews>);
}

/// How many of each since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Legs opened, by [`Protocol::ALL`].
    pub opened: [AtomicU64; 6],
    /// Legs ended, by [`Status::ALL`].
    pub ended: [AtomicU64; 4],
    /// Milliseconds of audio heard, by legs that ended.
    pub heard_ms: AtomicU64,
    /// Connections that were closed at once, since as many as are let in were open.
    pub refused_connections: AtomicU64,
    /// Connections that did not say in time what they are, or not with the right token.
    pub failed_handshakes: AtomicU64,
    /// Calls that ended by something that is not their protocol.
    pub broken_calls: AtomicU64,
}

/// The legs in progress, and who is told of them.
pub struct Hub {
    legs: Mutex<BTreeMap<Id, LegNow>>,
    /// Legs whose end was not told yet.
    n_untold: watch::Sender<usize>,
    news: broadcast::Sender<Arc<LegNews>>,
    outlets: RwLock<Vec<Arc<dyn Outlet>>>,
    counters: Counters,
}

impl Default for Hub {
    fn default() -> Self {
        let (news, _) = broadcast::channel(MAX_NEWS);
        let (legs, n_untold, outlets) = (Mutex::default(), watch::Sender::new(0), RwLock::default());
        Self { legs, n_untold, news, outlets, counters: Counters::default() }
    }
}

impl Hub {
    /// Legs in progress, oldest first.
    #[must_use]
    pub fn legs(&self) -> Vec<LegNow> {
        let mut legs: Vec<_> = locked(&self.legs).values().cloned().collect();
        legs.sort_by_key(|leg| leg.info.started_ms);
        legs
    }

    /// How many legs are in progress.
    #[must_use]
    pub fn n_legs(&self) -> usize {
        locked(&self.legs).len()
    }

    /// Returns when no leg is in progress, and the end of each was told to all outlets.
    pub async fn until_told(&self) {
        // The sender lives as long as `self`.
        let _ = self.n_untold.subscribe().wait_for(|n| *n == 0).await;
    }

    /// News from here on. Whoever is too far behind misses some, and is told so.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<LegNews>> {
        self.news.subscribe()
    }

    /// News from here on, all of them.
    pub fn add_outlet(&self, outlet: Arc<dyn Outlet>) {
        self.outlets.write().unwrap_or_else(PoisonError::into_inner).push(outlet);
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A leg begins.
    #[must_use]
    pub fn open(self: &Arc<Self>, info: LegInfo) -> HubLeg {
        let info = Arc::new(info);
        count(&self.counters.opened, Protocol::ALL.iter().position(|protocol| *protocol == info.protocol));
        let now = LegNow { info: Arc::clone(&info), words: Words::default(), heard_ms: 0 };
        locked(&self.legs).insert(info.leg, now);
        self.n_untold.send_modify(|n| *n += 1);
        let leg = HubLeg { hub: Arc::clone(self), info, began: Instant::now(), is_over: false };
        leg.tell(0, What::Opened);
        leg
    }
}

/// A leg, for whoever brings its audio. Dropping it before it is over ends it with the status ERROR, internal.
pub struct HubLeg {
    hub: Arc<Hub>,
    info: Arc<LegInfo>,
    began: Instant,
    is_over: bool,
}

impl HubLeg {
    /// What is known from its beginning.
    #[must_use]
    pub fn info(&self) -> &Arc<LegInfo> {
        &self.info
    }

    /// Its audio has another rate from here on.
    pub fn change_rate(&mut self, sample_rate_hz: u32) {
        self.info = Arc::new(LegInfo { sample_rate_hz, ..LegInfo::clone(&self.info) });
        if let Some(now) = locked(&self.hub.legs).get_mut(&self.info.leg) {
            now.info = Arc::clone(&self.info);
        }
    }

    /// Since it began, whatever the wall clock does.
    #[must_use]
    pub fn age(&self) -> std::time::Duration {
        self.began.elapsed()
    }

    /// The engine says something after so much audio.
    pub fn hear(&mut self, heard_ms: u64, event: Event) -> Option<Arc<LegNews>> {
        match event {
            Event::Window(window) => Some(self.tell(heard_ms, What::Window { window })),
            Event::Verdict(verdict) => {
                let words = Words::from(&verdict);
                if let Some(now) = locked(&self.hub.legs).get_mut(&self.info.leg) {
                    now.words = words.clone();
                    now.heard_ms = heard_ms;
                }
                Some(self.tell(heard_ms, What::Verdict { words }))
            }
            Event::Ended(verdict) => self.end(heard_ms, Words::from(&*verdict), Some(verdict)),
            Event::Failed(error) => {
                let cancelled = error.kind == veravox::ErrorKind::Cancelled.as_str();
                self.fail(heard_ms, if cancelled { Fault::Stopped } else { Fault::Runtime })
            }
            _ => None,
        }
    }

    /// The leg is not watched, or no longer.
    pub fn fail(&mut self, heard_ms: u64, fault: Fault) -> Option<Arc<LegNews>> {
        self.end(heard_ms, Words::error(fault), None)
    }

    fn end(&mut self, heard_ms: u64, words: Words, report: Option<Box<LegVerdict>>) -> Option<Arc<LegNews>> {
        if std::mem::replace(&mut self.is_over, true) {
            return None;
        }
        locked(&self.hub.legs).remove(&self.info.leg);
        let counters = &self.hub.counters;
        count(&counters.ended, Status::ALL.iter().position(|status| *status == words.status));
        counters.heard_ms.fetch_add(heard_ms, Ordering::Relaxed);
        let news = self.tell(heard_ms, What::Ended { words, report });
        self.hub.n_untold.send_modify(|n| *n -= 1);
        Some(news)
    }

    fn tell(&self, heard_ms: u64, what: What) -> Arc<LegNews> {
        let news = Arc::new(LegNews { info: Arc::clone(&self.info), at_ms: now_ms(), heard_ms, what });
        for outlet in self.hub.outlets.read().unwrap_or_else(PoisonError::into_inner).iter() {
            outlet.tell(&news);
        }
        // Nobody may be listening.
        let _ = self.hub.news.send(Arc::clone(&news));
        news
    }
}

impl Drop for HubLeg {
    fn drop(&mut self) {
        self.fail(0, Fault::Internal);
    }
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

fn count(counters: &[AtomicU64], index: Option<usize>) {
    if let Some(counter) = index.and_then(|index| counters.get(index)) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whoever panicked while he held the lock left whole entries.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shared<S: Serializer>(info: &Arc<LegInfo>, to: S) -> Result<S::Ok, S::Error> {
    info.serialize(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> LegInfo {
        LegInfo {
            leg: Id::random(),
            call: Id::random(),
            protocol: Protocol::AudioSocket,
            track: 0,
            sample_rate_hz: 8_000,
            started_ms: now_ms(),
            channel: Some("PJSIP/+15550100-0000002a".to_owned()),
        }
    }

    #[test]
    fn a_leg_that_is_forgotten_is_an_error_and_never_a_person() {
        let hub = Arc::new(Hub::default());
        let mut news = hub.subscribe();
        drop(hub.open(info()));
        assert_eq!(news.try_recv().unwrap().what, What::Opened);
        let What::Ended { words, report } = &news.try_recv().unwrap().what else { panic!("no end") };
        assert_eq!((words.status, words.cause.as_str(), report), (Status::Error, "internal", &None));
        assert_eq!(hub.n_legs(), 0);
    }

    #[test]
    fn the_channel_stays_inside() {
        let hub = Arc::new(Hub::default());
        let mut news = hub.subscribe();
        let leg = hub.open(info());
        let shown =
            serde_json::to_string(&hub.legs()).unwrap() + &serde_json::to_string(&*news.try_recv().unwrap()).unwrap();
        assert!(!shown.contains("5550100"), "{shown}");
        assert!(shown.contains(&leg.info().leg.to_string()) && shown.contains("\"event\":\"opened\""), "{shown}");
    }

    #[test]
    fn the_names_are_those_that_are_written() {
        for protocol in Protocol::ALL {
            assert_eq!(serde_json::to_value(protocol).unwrap(), protocol.as_str());
        }
    }
}
