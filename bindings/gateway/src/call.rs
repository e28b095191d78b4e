//! A call in progress: the ear that a protocol speaks to, with a leg of the engine for each side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use veravox::Engine;
use veravox::engine::LiveLeg;
use veravox::report::Stage;

use crate::gateway::Gateway;
use crate::hub::{HubLeg, LegInfo, LegNews, Protocol, What, now_ms};
use crate::id::Id;
use crate::protocol::{Ear, Outgoing, Start};
use crate::words::Fault;

/// How long verdicts may take once all audio was heard.
const MAX_FINISH: Duration = Duration::from_secs(5);
/// How often they are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A side that sends nothing for so long sends nothing because it is silent. Shorter holes are of the network, and are made up for.
const SILENT: Duration = Duration::from_secs(1);

/// A call, from its connection to its verdicts.
pub struct Call {
    gateway: Arc<Gateway>,
    kind: Protocol,
    tracks: Vec<Track>,
    /// What is to be answered.
    pub replies: Vec<Outgoing>,
    heard_since_look: bool,
}

struct Track {
    hub: HubLeg,
    /// None where the leg is not watched, or is over. The engine is dropped after its leg.
    live: Option<(LiveLeg, Arc<Engine>)>,
    rate: u32,
    /// Audio at earlier rates, and samples at this one.
    before_ms: u64,
    n_heard: u64,
    has_audio: bool,
    is_firm: bool,
}

impl Track {
    fn heard_ms(&self) -> u64 {
        self.before_ms + self.n_heard * 1_000 / u64::from(self.rate)
    }

    /// Tells what the engine says.
    fn look(&mut self, tell: &mut dyn FnMut(&LegNews)) {
        let heard_ms = self.heard_ms();
        let Some((live, _)) = &mut self.live else { return };
        while let Some(event) = live.poll() {
            let Some(news) = self.hub.hear(heard_ms, event) else { continue };
            if let What::Verdict { words } | What::Ended { words, .. } = &news.what {
                self.is_firm = matches!(words.stage, Stage::Firm | Stage::Changed);
            }
            tell(&news);
        }
        if live.is_over() {
            self.live = None;
        }
    }

    fn fail(&mut self, fault: Fault, tell: &mut dyn FnMut(&LegNews)) {
        self.live = None;
        if let Some(news) = self.hub.fail(self.heard_ms(), fault) {
            tell(&news);
        }
    }
}

impl Call {
    /// A connection that speaks this protocol, of a call that has not begun.
    #[must_use]
    pub fn new(gateway: &Arc<Gateway>, kind: Protocol) -> Self {
        let gateway = Arc::clone(gateway);
        Self { gateway, kind, tracks: Vec::new(), replies: Vec::new(), heard_since_look: false }
    }

    /// Whether the protocol said that the call begins.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !self.tracks.is_empty()
    }

    /// Whether it has begun and no side of it is watched.
    #[must_use]
    pub fn is_unwatched(&self) -> bool {
        self.has_begun() && self.tracks.iter().all(|track| track.live.is_none())
    }

    /// Whether the verdict on every side is firm.
    #[must_use]
    pub fn is_firm(&self) -> bool {
        self.has_begun() && self.tracks.iter().all(|track| track.is_firm)
    }

    /// How long it has been going on.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.tracks.first().map_or(Duration::ZERO, |track| track.hub.age())
    }

    /// Tells what the engine says.
    pub fn look(&mut self, tell: &mut dyn FnMut(&LegNews)) {
        for track in &mut self.tracks {
            track.look(tell);
        }
    }

    /// As [`look`](Self::look), from time to time: where the protocol has no timestamps, a side that has been sending nothing is
    /// told as silent.
    pub fn tick(&mut self, tell: &mut dyn FnMut(&LegNews)) {
        let is_timed = matches!(self.kind, Protocol::Twilio | Protocol::Rtp | Protocol::AudioHook);
        if !std::mem::take(&mut self.heard_since_look) && !is_timed {
            for number in 0..self.tracks.len() {
                let Some(track) = self.tracks.get(number) else { continue };
                let behind = track.hub.age().saturating_sub(Duration::from_millis(track.heard_ms()));
                if behind >= SILENT {
                    let n_samples = behind.as_millis() as u64 * u64::from(track.rate) / 1_000;
                    self.silence(number, n_samples);
                }
            }
        }
        self.look(tell);
    }

    /// No more audio comes: waits for the verdicts, and tells them.
    pub async fn finish(&mut self, tell: &mut (dyn FnMut(&LegNews) + Send)) {
        let started = Instant::now();
        for (live, _) in self.tracks.iter_mut().filter_map(|track| track.live.as_mut()) {
            live.end();
        }
        loop {
            self.look(tell);
            if self.tracks.iter().all(|track| track.live.is_none()) {
                return;
            }
            if started.elapsed() > MAX_FINISH {
                return self.fail(Fault::Overloaded, tell);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What comes is nothing that can be watched.
    pub fn fail(&mut self, fault: Fault, tell: &mut dyn FnMut(&LegNews)) {
        for track in &mut self.tracks {
            track.fail(fault, tell);
        }
    }

    fn live(&mut self, track: usize) -> Option<&mut LiveLeg> {
        Some(&mut self.tracks.get_mut(track)?.live.as_mut()?.0)
    }

    fn count(&mut self, track: usize, n_samples: u64) {
        if let Some(track) = self.tracks.get_mut(track) {
            track.n_heard = track.n_heard.saturating_add(n_samples);
        }
    }
}

impl Ear for Call {
    fn begin(&mut self, start: Start) {
        let call = start.call.unwrap_or_else(Id::random);
        for track in 0..start.tracks {
            let mut hub = self.gateway.hub.open(LegInfo {
                leg: Id::random(),
                call,
                protocol: self.kind,
                track,
                sample_rate_hz: start.sample_rate_hz,
                started_ms: now_ms(),
                channel: start.channel.clone(),
            });
            let opened = if self.gateway.is_stopping() {
                Err(Fault::Stopped)
            } else {
                self.gateway.scorer.open(start.sample_rate_hz)
            };
            let live = match opened {
                Ok((engine, leg)) => Some((leg, engine)),
                Err(fault) => {
                    hub.fail(0, fault);
                    None
                }
            };
            let rate = start.sample_rate_hz;
            self.tracks.push(Track { hub, live, rate, before_ms: 0, n_heard: 0, has_audio: false, is_firm: false });
        }
    }

    fn push(&mut self, track: usize, samples: &[i16]) {
        self.heard_since_look = true;
        if let Some(track) = self.tracks.get_mut(track) {
            track.has_audio = true;
        }
        self.count(track, samples.len() as u64);
        if let Some(live) = self.live(track) {
            // What finds no room is counted as lost by the engine.
            live.push(samples);
        }
    }

    fn lost(&mut self, track: usize, n_samples: u64) {
        self.count(track, n_samples);
        if let Some(live) = self.live(track) {
            live.lost(n_samples);
        }
    }

    fn silence(&mut self, track: usize, n_samples: u64) {
        self.count(track, n_samples);
        if let Some(live) = self.live(track) {
            live.silence(n_samples);
        }
    }

    fn hold(&mut self, held: bool) {
        for (live, _) in self.tracks.iter_mut().filter_map(|track| track.live.as_mut()) {
            if held {
                live.hold();
            } else {
                live.resume();
            }
        }
    }

    fn change_rate(&mut self, sample_rate_hz: u32) {
        for track in &mut self.tracks {
            let heard_ms = track.heard_ms();
            let Some((mut live, engine)) = track.live.take() else { continue };
            if track.has_audio {
                let is_known = live.change_rate(sample_rate_hz).is_ok();
                track.live = Some((live, engine));
                if !is_known {
                    continue;
                }
            } else {
                // The rate is known with the first audio only: the leg is begun again, with the model for it.
                drop(live);
                match self.gateway.scorer.open(sample_rate_hz) {
                    Ok((engine, mut live)) => {
                        live.silence(heard_ms * u64::from(sample_rate_hz) / 1_000);
                        track.live = Some((live, engine));
                    }
                    Err(fault) => {
                        track.hub.fail(heard_ms, fault);
                        continue;
                    }
                }
            }
            track.hub.change_rate(sample_rate_hz);
            (track.before_ms, track.n_heard, track.rate) = (heard_ms, 0, sample_rate_hz);
        }
    }

    fn reply(&mut self, answer: Outgoing) {
        self.replies.push(answer);
    }
}
