//! Whoever is told of the legs: the feed that pages read, the webhook, the phone system.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::ami::Ami;
use crate::config::Config;
use crate::feed::Feed;
use crate::gateway::Gateway;
use crate::hub::Outlet;
use crate::journal::Journal;
use crate::scans::Scans;
use crate::webhook::Webhook;

/// Readers of the feed at once.
pub const MAX_READERS: usize = 64;

/// The outlets, and what they share with who asks by HTTP.
pub struct Outlets {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// When they were started.
    pub started: Instant,
    /// What pages read.
    pub feed: Arc<Feed>,
    /// Places for readers of the feed.
    pub readers: Arc<Semaphore>,
    /// Where one is set up.
    pub webhook: Option<Arc<Webhook>>,
    /// Where one is set up.
    pub ami: Option<Arc<Ami>>,
    /// Recordings by HTTP.
    pub scans: Scans,
}

impl Outlets {
    /// Starts what is set up, and has it told of all legs from here on. Within a tokio runtime.
    ///
    /// # Errors
    /// What is wrong with the configuration, or with the webhook's spool, in words.
    pub fn start(gateway: &Arc<Gateway>) -> Result<Arc<Self>, String> {
        let config = &gateway.config;
        let feed = Arc::new(Feed::default());
        gateway.hub.add_outlet(Arc::new(Journal));
        gateway.hub.add_outlet(Arc::clone(&feed) as Arc<dyn Outlet>);
        let webhook = Webhook::start(&config.webhook)?.map(Arc::new);
        if let Some(webhook) = &webhook {
            gateway.hub.add_outlet(Arc::clone(webhook) as Arc<dyn Outlet>);
        }
        let ami = Ami::start(&config.ami)?;
        if let Some(ami) = &ami {
            gateway.hub.add_outlet(Arc::clone(ami) as Arc<dyn Outlet>);
        }
        Ok(Arc::new(Self {
            gateway: Arc::clone(gateway),
            started: Instant::now(),
            feed,
            readers: Arc::new(Semaphore::new(MAX_READERS)),
            webhook,
            ami,
            scans: Scans::new(&config.scan),
        }))
    }

    /// Says what is wrong with the configuration, and starts nothing.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(config: &Config) -> Result<(), String> {
        Webhook::check(&config.webhook)?;
        Ami::check(&config.ami)
    }

    /// Legs have ended: what waits is delivered, within `at_most`.
    pub async fn finish(&self, at_most: Duration) {
        if let Some(ami) = &self.ami {
            ami.finish(at_most.min(Duration::from_secs(2))).await;
        }
        if let Some(webhook) = &self.webhook {
            webhook.finish(at_most).await;
        }
    }
}
