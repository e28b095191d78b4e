//! Verdicts into Asterisk's dialplan, by the Manager Interface (AMI): `VERAVOX_STATUS`, `VERAVOX_CAUSE`, `VERAVOX_SCORE` and
//! `VERAVOX_SPEECH_MS` of the call's channel, the same words as those of the Asterisk module.
//!
//! The user needs `write = call` and nothing else: `Setvar` and `Status` ask for that, and no events are read. Of a leg only the last
//! verdict counts: nothing grows while Asterisk is away, and when it is back it is told what holds then.

mod session;
mod wanted;
mod wire;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Notify;

use crate::config;
use crate::hub::{LegNews, Outlet};
use crate::id::Id;
use crate::secrets::secret;
use session::{Failure, Session, Setting, Variable, channels_of};
use wanted::{Due, Wants};

/// Legs that are told in one go.
const BATCH: usize = 32;
/// Nothing to do for so long, and Asterisk is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Waits before the next attempt to connect: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Where Asterisk is, and who we are to it.
struct Account {
    address: String,
    username: String,
    secret: String,
}

impl Account {
    fn of(settings: &config::Ami) -> Result<Option<Self>, String> {
        let (Some(address), Some(username), Some(path)) =
            (&settings.address, &settings.username, &settings.secret_file)
        else {
            return Ok(None);
        };
        let secret = secret(path).map_err(|e| format!("ami.secret_file: {e}"))?;
        Ok(Some(Self { address: address.clone(), username: username.clone(), secret }))
    }
}

/// Tells Asterisk; see the [module](self).
pub struct Ami {
    wants: Mutex<Wants>,
    changed: Notify,
    is_connected: AtomicBool,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    told: AtomicU64,
    gone: AtomicU64,
    not_found: AtomicU64,
    refused: AtomicU64,
    connections: AtomicU64,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AmiStats {
    /// Verdicts that Asterisk was told.
    pub told: u64,
    /// Verdicts on channels that were gone by then.
    pub gone: u64,
    /// Legs whose channel was not found.
    pub not_found: u64,
    /// Verdicts that Asterisk refused.
    pub refused: u64,
    /// Connections that were logged in.
    pub connections: u64,
    /// Legs that Asterisk is told of.
    pub legs: usize,
    /// There is a connection.
    pub connected: bool,
}

impl Ami {
    /// Starts to tell what is heard from here on; nothing where no address is set. Within a tokio runtime.
    ///
    /// # Errors
    /// What is wrong with the settings, in words.
    pub fn start(settings: &config::Ami) -> Result<Option<Arc<Self>>, String> {
        let Some(account) = Account::of(settings)? else { return Ok(None) };
        let ami = Arc::new(Self {
            wants: Mutex::default(),
            changed: Notify::new(),
            is_connected: AtomicBool::new(false),
            counters: Counters::default(),
        });
        tokio::spawn(Arc::clone(&ami).run(account));
        Ok(Some(ami))
    }

    /// Says what is wrong with the settings, and starts nothing.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(settings: &config::Ami) -> Result<(), String> {
        Account::of(settings).map(drop)
    }

    /// Waits until Asterisk is told all that there is, `at_most` so long.
    pub async fn finish(&self, at_most: Duration) {
        let started = Instant::now();
        while started.elapsed() < at_most && self.is_connected.load(Ordering::Relaxed) && self.wants().has_untold() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What was done.
    #[must_use]
    pub fn stats(&self) -> AmiStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AmiStats {
            told: count(&self.counters.told),
            gone: count(&self.counters.gone),
            not_found: count(&self.counters.not_found),
            refused: count(&self.counters.refused),
            connections: count(&self.counters.connections),
            legs: self.wants().len(),
            connected: self.is_connected.load(Ordering::Relaxed),
        }
    }

    fn wants(&self) -> MutexGuard<'_, Wants> {
        // Whoever panicked with it left it whole.
        self.wants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: Arc<Self>, account: Account) {
        let mut n_failed = 0_u32;
        loop {
            let failure = match Session::open(&account.address, &account.username, &account.secret).await {
                Ok(session) => {
                    tracing::info!("connected to Asterisk's manager interface");
                    self.counters.connections.fetch_add(1, Ordering::Relaxed);
                    self.is_connected.store(true, Ordering::Relaxed);
                    n_failed = 0;
                    let failure = self.tell_all(session).await;
                    self.is_connected.store(false, Ordering::Relaxed);
                    failure
                }
                Err(failure) => failure,
            };
            if n_failed.is_power_of_two() || n_failed == 0 {
                tracing::warn!(%failure, attempts = n_failed + 1, "no connection to Asterisk's manager interface");
            }
            // Asterisk and whoever guards it count failed logins.
            let wait = match failure {
                Failure::Refused(_) => LONGEST_WAIT,
                _ => FIRST_WAIT.saturating_mul(1 << n_failed.min(10)).min(LONGEST_WAIT),
            };
            n_failed = n_failed.saturating_add(1);
            tokio::time::sleep(wait).await;
        }
    }

    /// Until the connection fails.
    async fn tell_all(&self, mut session: Session) -> Failure {
        loop {
            let due = self.wants().due(Instant::now(), BATCH);
            let done = if due.to_find.is_empty() && due.to_tell.is_empty() {
                let until = due.next.unwrap_or(Instant::now() + PING_EVERY).min(Instant::now() + PING_EVERY);
                match tokio::time::timeout_at(until.into(), self.changed.notified()).await {
                    Err(_) if due.next.is_none() => session.ping().await,
                    _ => Ok(()),
                }
            } else {
                self.tell_due(&mut session, due).await
            };
            if let Err(failure) = done {
                return failure;
            }
        }
    }

    async fn tell_due(&self, session: &mut Session, due: Due) -> Result<(), Failure> {
        if !due.to_find.is_empty() {
            let mut by_uuid: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for channel in session.channels().await? {
                for uuid in channel.uuids.iter().filter_map(|uuid| Id::parse(uuid)) {
                    by_uuid.entry(uuid).or_default().push(channel.clone());
                }
            }
            let mut wants = self.wants();
            for (leg, call) in &due.to_find {
                if !wants.found(leg, channels_of(call, &by_uuid), Instant::now()) {
                    self.counters.not_found.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(%leg, "no channel of Asterisk's says the UUID of this leg's call");
                }
            }
        }
        let texts: Vec<_> =
            due.to_tell.iter().map(|(_, _, words)| (words.score_text(), words.speech_ms.to_string())).collect();
        let mut variables = Vec::new();
        for ((_, channels, words), (score, speech_ms)) in due.to_tell.iter().zip(&texts) {
            for channel in channels {
                // The status last: whoever sees it sees the others as well.
                for (name, value) in [
                    ("VERAVOX_CAUSE", words.cause.as_str()),
                    ("VERAVOX_SCORE", score.as_str()),
                    ("VERAVOX_SPEECH_MS", speech_ms.as_str()),
                    ("VERAVOX_STATUS", words.status.as_str()),
                ] {
                    variables.push(Variable { channel, name, value });
                }
            }
        }
        let mut settings = session.set(&variables).await?.into_iter();
        for (leg, channels, words) in &due.to_tell {
            let of_leg: Vec<_> = settings.by_ref().take(4 * channels.len()).collect();
            self.note(leg, words, &of_leg);
        }
        Ok(())
    }

    fn note(&self, leg: &Id, words: &crate::words::Words, settings: &[Setting]) {
        let refused = settings.iter().find_map(|setting| match setting {
            Setting::Refused(words) => Some(words),
            _ => None,
        });
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        if let Some(why) = refused {
            if count(&self.counters.refused).wrapping_add(1).is_power_of_two() {
                tracing::warn!(%leg, why, "Asterisk did not set the variables of a channel; its user needs write = call");
            }
            self.wants().forget(leg);
        } else if settings.contains(&Setting::Done) {
            count(&self.counters.told);
            self.wants().told(leg, words);
        } else {
            count(&self.counters.gone);
            self.wants().forget(leg);
        }
    }
}

impl Outlet for Ami {
    fn tell(&self, news: &Arc<LegNews>) {
        let is_new = self.wants().hear(news, Instant::now());
        if is_new {
            self.changed.notify_one();
        }
    }
}
