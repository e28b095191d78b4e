//! What all parts of the gateway share.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::config::{Config, Source};
use crate::hub::Hub;
use crate::rtp_ports::RtpPorts;
use crate::scorer::Scorer;
use crate::secrets::Secrets;

/// The gateway: its configuration, its engine, its legs.
pub struct Gateway {
    /// As it was started; of a reload only [`Config::scoring`] counts, and what lies in the files that it names.
    pub config: Config,
    /// Legs in progress and their news.
    pub hub: Arc<Hub>,
    /// The engine.
    pub scorer: Scorer,
    /// Ports that are open for RTP.
    pub rtp_ports: RtpPorts,
    source: Source,
    secrets: RwLock<Arc<Secrets>>,
    places: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

/// A connection's place among those that are let in; held as long as the connection.
pub type Place = Arc<OwnedSemaphorePermit>;

impl Gateway {
    /// Reads the configuration and the secrets that it names, and starts the engine. An engine that does not start is no error:
    /// legs then have the status ERROR.
    ///
    /// # Errors
    /// What is wrong with the configuration, in words for people.
    pub fn start(source: Source) -> Result<Arc<Self>, String> {
        Self::with(source.read()?, source)
    }

    /// As [`start`](Self::start), with a configuration that was read before; the source is read again by
    /// [`reload`](Self::reload).
    ///
    /// # Errors
    /// As there.
    pub fn with(config: Config, source: Source) -> Result<Arc<Self>, String> {
        let secrets = Secrets::read(&config)?;
        let scorer = Scorer::start(&config.scoring);
        let places = Arc::new(Semaphore::new(config.limits.connections));
        let (stopping, _) = watch::channel(false);
        let secrets = RwLock::new(Arc::new(secrets));
        Ok(Arc::new(Self {
            config,
            hub: Arc::default(),
            scorer,
            rtp_ports: RtpPorts::default(),
            source,
            secrets,
            places,
            stopping,
        }))
    }

    /// Reads configuration and secrets again, and starts another engine for the calls that come. What cannot be read leaves
    /// everything as it was. Blocks while models load.
    ///
    /// # Errors
    /// What is wrong, in words for people.
    pub fn reload(&self) -> Result<(), String> {
        let config = self.source.read()?;
        let secrets = Secrets::read(&config)?;
        self.scorer.reload(&config.scoring).map_err(|missing| missing.words)?;
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(secrets);
        Ok(())
    }

    /// Tokens and keys, as they were last read.
    #[must_use]
    pub fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.secrets.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a connection that did not say in time what it is, or not with the right token, or for a page of another site.
    pub fn failed_handshake(&self) {
        self.hub.counters().failed_handshakes.fetch_add(1, Ordering::Relaxed);
    }

    /// A place for one more connection, where there is one.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Arc::new)
    }

    /// No more calls are taken, and those that go on are ended.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether it was told to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Returns when the gateway was told to stop, and the last verdict of every call was told.
    pub async fn drained(&self) {
        self.stopped().await;
        self.hub.until_told().await;
    }

    /// Returns when nobody is connected, and no port for RTP is open.
    pub async fn deserted(&self) {
        let all = u32::try_from(self.config.limits.connections).unwrap_or(u32::MAX);
        // The semaphore lives as long as `self`, and is never closed.
        drop(self.places.acquire_many(all).await);
    }

    /// Returns when the gateway is told to stop.
    pub async fn stopped(&self) {
        // The sender lives as long as `self`.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }
}
