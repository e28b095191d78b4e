//! Verdicts to a webhook: signed, tried again until they are accepted, kept in a folder where one is named.
//!
//! A message goes from [`Webhook::offer`], which never waits, into a bounded queue; from there to the spool, where there is one; and
//! then to the target. So it survives a crash from the moment that it is on the disk, some milliseconds after it was offered. Where the disk is full, messages
//! stay in memory and are delivered from there.

mod message;
mod post;
mod queue;
mod signature;
mod spool;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::config;
use crate::hub::{LegNews, Outlet, What};
pub use message::{Message, MessageId};
use post::Target;
use queue::{Fate, Item, Next, Outcome, Queue};
use spool::Spool;

/// Messages that are brought to the disk together.
const BATCH: usize = 64;
/// Messages on their way to the target at once.
const IN_FLIGHT: usize = 8;

/// Delivers messages; see the [module](self).
pub struct Webhook(Arc<Shared>);

struct Shared {
    process: u32,
    queue: Mutex<Queue>,
    spool: Option<Spool>,
    target: Target,
    random: SystemRandom,
    /// There is something to bring to the disk, or it is over.
    fresh: Condvar,
    /// Something changed for who delivers.
    changed: Notify,
    over: AtomicBool,
    counters: Counters,
    spooler: Mutex<Option<JoinHandle<()>>>,
    deliverer: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

#[derive(Default)]
struct Counters {
    offered: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
    unspooled: AtomicU64,
}

/// What was done, and what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WebhookStats {
    /// Messages that were made.
    pub offered: u64,
    /// Messages that the target accepted.
    pub delivered: u64,
    /// Attempts that did not bring a message to the target.
    pub failed_attempts: u64,
    /// Messages that will never be delivered: there was no room, or the target wanted them no more.
    pub lost: u64,
    /// Messages that the spool had no room for and that were kept in memory alone.
    pub unspooled: u64,
    /// Messages that wait, those on their way included.
    pub waiting: u64,
    /// Bytes in the spool.
    pub spool_bytes: u64,
    /// The last attempt found the target down.
    pub target_down: bool,
}

impl Webhook {
    /// Starts to deliver what the spool holds, and what is offered from here on; nothing where no target is named. Within a
    /// tokio runtime.
    ///
    /// # Errors
    /// Where the settings cannot be, or the spool cannot be used, in words.
    pub fn start(settings: &config::Webhook) -> Result<Option<Self>, String> {
        let Some(target) = Target::new(settings)? else { return Ok(None) };
        let mut queue = Queue::new(settings.queue, settings.queue_mb << 20, IN_FLIGHT);
        let spool = match &settings.spool {
            Some(folder) => {
                let opened = Spool::open(folder, (settings.spool_max_mb as u64) << 20);
                let (spool, kept) = opened.map_err(|e| format!("webhook.spool {}: {e}", folder.display()))?;
                if !kept.is_empty() {
                    tracing::info!(
                        messages = kept.len(),
                        "the webhook's spool holds messages from before; they are sent first"
                    );
                }
                for (id, _) in kept {
                    queue.admit(Item::spooled(id));
                }
                Some(spool)
            }
            None => None,
        };
        let random = SystemRandom::new();
        let shared = Arc::new(Shared {
            process: u32::from_ne_bytes(drawn(&random)),
            queue: Mutex::new(queue),
            spool,
            target,
            random,
            fresh: Condvar::new(),
            changed: Notify::new(),
            over: AtomicBool::new(false),
            counters: Counters::default(),
            spooler: Mutex::new(None),
            deliverer: Mutex::new(None),
        });
        let spooler = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("webhook-spool".to_owned())
            .spawn(move || spooler.keep_what_comes())
            .map_err(|e| format!("cannot start a thread: {e}"))?;
        *locked(&shared.spooler) = Some(thread);
        *locked(&shared.deliverer) = Some(tokio::spawn(Arc::clone(&shared).deliver()));
        Ok(Some(Self(shared)))
    }

    /// Says what is wrong with the settings, and starts nothing.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(settings: &config::Webhook) -> Result<(), String> {
        Target::new(settings).map(drop)
    }

    /// Takes a message. Never waits; where there is no room, it is lost, which is counted and logged.
    pub fn offer(&self, body: Vec<u8>) {
        let shared = &self.0;
        shared.counters.offered.fetch_add(1, Ordering::Relaxed);
        let message = Message { id: MessageId::new(shared.process), body: body.into() };
        if locked(&shared.queue).offer(message) {
            shared.fresh.notify_one();
        } else {
            shared.lost("there is no room in the queue");
        }
    }

    /// What was done, and what waits.
    #[must_use]
    pub fn stats(&self) -> WebhookStats {
        let (counters, queue) = (&self.0.counters, locked(&self.0.queue));
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WebhookStats {
            offered: count(&counters.offered),
            delivered: count(&counters.delivered),
            failed_attempts: count(&counters.failed),
            lost: count(&counters.lost),
            unspooled: count(&counters.unspooled),
            waiting: queue.n_messages() as u64,
            spool_bytes: self.0.spool.as_ref().map_or(0, Spool::n_bytes),
            target_down: queue.is_down(),
        }
    }

    /// Nothing more is offered: waits until everything is delivered, `at_most` so long, and stops. What is left stays in the
    /// spool; what is in memory alone is brought there, or is lost. Returns how many were lost by that.
    pub async fn finish(&self, at_most: Duration) -> u64 {
        let started = Instant::now();
        while started.elapsed() < at_most && locked(&self.0.queue).n_messages() > 0 {
            // With a spool there is no need to wait for a target that is down.
            if self.0.spool.is_some() && locked(&self.0.queue).is_down() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.0.over.store(true, Ordering::Release);
        self.0.changed.notify_waiters();
        self.0.changed.notify_one();
        self.0.fresh.notify_all();
        let deliverer = locked(&self.0.deliverer).take();
        if let Some(deliverer) = deliverer {
            // Messages on their way have the time of an attempt; what is not accepted is in the queue again.
            let _ = deliverer.await;
        }
        let shared = Arc::clone(&self.0);
        // The thread ends by itself within moments; the disk may be slow.
        let last = tokio::task::spawn_blocking(move || {
            if let Some(spooler) = locked(&shared.spooler).take() {
                // One that panicked has nothing more to say.
                let _ = spooler.join();
            }
            let left = locked(&shared.queue).take_memory();
            let kept =
                shared.spool.as_ref().map_or(0, |spool| spool.keep(&left).iter().filter(|done| done.is_ok()).count());
            let n_lost = (left.len() - kept) as u64;
            (0..n_lost).for_each(|_| shared.lost("it was not delivered before the end, and no spool has it"));
            n_lost
        });
        last.await.unwrap_or_default()
    }
}

/// The body of a message, in the form that Standard Webhooks recommends.
#[derive(Serialize)]
struct Body<'a> {
    /// `leg.opened`, `leg.verdict` or `leg.ended`.
    r#type: &'static str,
    /// When it happened.
    timestamp: String,
    data: &'a LegNews,
}

impl Outlet for Webhook {
    fn tell(&self, news: &Arc<LegNews>) {
        let r#type = match news.what {
            What::Opened => "leg.opened",
            What::Verdict { .. } => "leg.verdict",
            What::Ended { .. } => "leg.ended",
            What::Window { .. } => return,
        };
        let at = UNIX_EPOCH + Duration::from_millis(news.at_ms);
        let body = Body { r#type, timestamp: humantime::format_rfc3339_millis(at).to_string(), data: news };
        // Numbers, names of ours and ids: there is nothing that JSON could not hold.
        if let Ok(body) = serde_json::to_vec(&body) {
            self.offer(body);
        }
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn lost(&self, why: &str) {
        let n_before = self.counters.lost.fetch_add(1, Ordering::Relaxed);
        // Thousands may be lost in a second: the first is told, and then each power of two.
        if (n_before + 1).is_power_of_two() {
            tracing::error!(lost = n_before + 1, why, "a webhook message is lost");
        }
    }

    /// The thread of the disk.
    fn keep_what_comes(&self) {
        loop {
            let mut queue = locked(&self.queue);
            while !queue.has_fresh() {
                if self.is_over() {
                    return;
                }
                queue = self.fresh.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            let messages = queue.take_fresh(BATCH);
            drop(queue);
            let kept = match &self.spool {
                Some(spool) => spool.keep(&messages),
                None => Vec::new(),
            };
            let n_failed = kept.iter().filter(|done| done.is_err()).count() as u64;
            if let Some(error) = kept.iter().find_map(|done| done.as_ref().err()) {
                let n_before = self.counters.unspooled.fetch_add(n_failed, Ordering::Relaxed);
                if n_before == 0 || n_before.ilog2() != (n_before + n_failed).ilog2() {
                    tracing::warn!(unspooled = n_before + n_failed, %error, "webhook messages stay in memory, the spool cannot keep them");
                }
            }
            let mut queue = locked(&self.queue);
            for (n, message) in messages.into_iter().enumerate() {
                let is_kept = kept.get(n).is_some_and(Result::is_ok);
                queue.give_back(if is_kept { Item::spooled(message.id) } else { Item::in_memory(message) });
            }
            drop(queue);
            self.changed.notify_one();
        }
    }

    async fn deliver(self: Arc<Self>) {
        let mut flights = JoinSet::new();
        while !self.is_over() {
            let next = locked(&self.queue).next(Instant::now());
            let until = match next {
                Next::Send(item) => {
                    flights.spawn(Arc::clone(&self).send(item));
                    continue;
                }
                Next::Wait(until) => until,
            };
            let woken = async {
                match until {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = woken => {}
                () = self.changed.notified() => {}
                Some(_) = flights.join_next() => {}
            }
        }
        while flights.join_next().await.is_some() {}
    }

    async fn send(self: Arc<Self>, item: Item) {
        let (outcome, why) = match self.body(&item).await {
            Some(body) => self.target.post(&item.id.to_string(), body).await,
            None => (Outcome::Gone, "it vanished from the spool".to_owned()),
        };
        if outcome != Outcome::Accepted {
            let n_before = self.counters.failed.fetch_add(1, Ordering::Relaxed);
            if (n_before + 1).is_power_of_two() {
                tracing::warn!(failed = n_before + 1, why, "the webhook's target did not take a message");
            }
        }
        let was_spooled = item.body.is_none();
        let draw = f64::from(u32::from_ne_bytes(drawn(&self.random))) / f64::from(u32::MAX);
        let fate = locked(&self.queue).done(item, outcome, Instant::now(), draw);
        let over = match fate {
            Fate::Delivered(id) => {
                self.counters.delivered.fetch_add(1, Ordering::Relaxed);
                Some(id)
            }
            Fate::Lost(id) => {
                self.lost(&why);
                Some(id)
            }
            Fate::Kept => None,
        };
        if let Some(id) = over.filter(|_| was_spooled) {
            self.with_spool(move |spool| spool.remove(&id)).await;
        }
    }

    async fn body(self: &Arc<Self>, item: &Item) -> Option<Arc<[u8]>> {
        if let Some(body) = &item.body {
            return Some(Arc::clone(body));
        }
        let id = item.id;
        let read = self.with_spool(move |spool| spool.read(&id)).await?;
        read.ok().map(Into::into)
    }

    /// The disk may be slow, and other tasks must not wait for it.
    async fn with_spool<T: Send + 'static>(
        self: &Arc<Self>,
        act: impl FnOnce(&Spool) -> T + Send + 'static,
    ) -> Option<T> {
        let shared = Arc::clone(self);
        tokio::task::spawn_blocking(move || shared.spool.as_ref().map(act)).await.ok().flatten()
    }
}

fn drawn(random: &SystemRandom) -> [u8; 4] {
    let mut bytes = [0; 4];
    // Without the system's randomness waits are all alike and ids differ by time alone.
    let _ = random.fill(&mut bytes);
    bytes
}

/// A queue is whole between any two of its calls, whatever a thread that held it met.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
