//! A gateway with sockets of its own, and the voice that its calls bring.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::task::JoinHandle;
use veravox::decode::{AudioReader, DecodeOptions};
use veravox_gateway::Gateway;
use veravox_gateway::config::{Config, Source};
use veravox_gateway::hub::{LegInfo, LegNews, What};
use veravox_gateway::outlets::Outlets;
use veravox_gateway::serve::Listeners;
use veravox_gateway::words::Words;

/// How many times as fast as speech calls are played.
pub const HURRY: u32 = 4;

/// A speech engine's voice, 12 s at 8 kHz.
pub static VOICE: LazyLock<Vec<i16>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/calls/03-bank-card.alaw.wav");
    let mut reader = AudioReader::open(path.as_ref(), &DecodeOptions::default()).unwrap();
    let mut samples = Vec::new();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        samples.extend(chunk.channels[0].iter().map(|sample| (sample * 32_768.0) as i16));
    }
    samples
});

/// The byte of mu-law that is nearest to a sample.
pub fn mulaw(sample: i16) -> u8 {
    let (sign, sample) = if sample < 0 { (0, -i32::from(sample)) } else { (0x80, i32::from(sample)) };
    let biased = sample.min(32_635) + 0x84;
    let segment = (biased >> 7).ilog2() as u8;
    (!(segment << 4 | (biased >> (segment + 3) & 15) as u8) & 0x7f) | sign
}

/// When the packet of 20 ms of this number is due.
pub fn due(began: tokio::time::Instant, number: usize) -> tokio::time::Instant {
    began + Duration::from_millis(20) * number as u32 / HURRY
}

pub struct World {
    pub gateway: Arc<Gateway>,
    pub audiosocket: SocketAddr,
    pub http: SocketAddr,
    news: Receiver<Arc<LegNews>>,
    serving: JoinHandle<()>,
}

impl World {
    /// A gateway of two workers, with what else the configuration says.
    pub async fn new(config: &str) -> Self {
        let mut config = Config::parse(config).unwrap();
        let local = || Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        (config.audiosocket.listen, config.http.listen) = (local(), local());
        config.scoring.workers = Some(2);
        let gateway = Gateway::with(config, Source::default()).unwrap();
        let news = gateway.hub.subscribe();
        let listeners = Listeners::bind(&gateway).await.unwrap();
        let (audiosocket, http) = (listeners.audiosocket().unwrap(), listeners.http().unwrap());
        let outlets = Outlets::start(&gateway).unwrap();
        let serving = tokio::spawn(listeners.serve(Arc::clone(&gateway), outlets));
        Self { gateway, audiosocket, http, news, serving }
    }

    /// The next leg that ends.
    pub async fn ended(&mut self) -> (Arc<LegInfo>, Words) {
        loop {
            let news = tokio::time::timeout(Duration::from_secs(30), self.news.recv()).await.unwrap().unwrap();
            if let What::Ended { words, .. } = &news.what {
                return (Arc::clone(&news.info), words.clone());
            }
        }
    }

    /// The legs that end next, by their tracks.
    pub async fn ended_by_track(&mut self, n_legs: usize) -> Vec<(Arc<LegInfo>, Words)> {
        let mut ended = Vec::new();
        for _ in 0..n_legs {
            ended.push(self.ended().await);
        }
        ended.sort_by_key(|(info, _)| info.track);
        ended
    }

    /// Waits until so many legs are open.
    pub async fn until_open(&self, n_legs: usize) {
        for _ in 0..1_000 {
            if self.gateway.hub.n_legs() == n_legs {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} legs are open, not {n_legs}", self.gateway.hub.n_legs());
    }

    /// Tells the gateway to stop, as SIGTERM does, and waits until it has.
    pub async fn stop(self) {
        self.gateway.stop();
        tokio::time::timeout(Duration::from_secs(20), self.serving).await.unwrap().unwrap();
    }
}
