//! The listener for `AudioSocket`.
//!
//! Asterisk hangs the caller up when it cannot write, when it reads an error (a reset, which closing with unread bytes brings), and
//! when neither the caller nor this side sends anything for two seconds. So: everything is read at once, whatever becomes of it;
//! silence goes back from time to time; and the end is a hang-up frame, the end of our side, reading on until theirs.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::doors::{accept, bind, broken_call};
use crate::call::Call;
use crate::config::Release;
use crate::gateway::{Gateway, Place};
use crate::hub;
use crate::protocol::audiosocket::{AudioSocket, HANG_UP_FRAME, SILENCE_FRAME};
use crate::protocol::{Broken, Flow, Incoming, Protocol as _};
use crate::words::Fault;

/// Bytes that are read at a time.
const CHUNK: usize = 8_192;
/// How often a call is looked at that sends nothing.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Between a verdict and the hang-up frame that lets the dialplan go on: time for the verdict to become a channel variable.
const GRACE: Duration = Duration::from_millis(250);
/// How long the other side has to end, once ours has.
const MAX_DRAIN: Duration = Duration::from_secs(5);

pub struct AudioSocketListener(TcpListener);

impl AudioSocketListener {
    pub async fn bind(address: SocketAddr) -> Result<Self, String> {
        Ok(Self(bind(address).await?))
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.0.local_addr().ok()
    }

    pub async fn serve(self, gateway: Arc<Gateway>) {
        let mut calls = JoinSet::new();
        while let Some((stream, place)) = accept(&self.0, &gateway).await {
            calls.spawn(converse(stream, place, Arc::clone(&gateway)));
            while calls.try_join_next().is_some() {}
        }
        drop(self.0);
        let rest = async { while calls.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(gateway.config.limits.drain(), rest).await;
    }
}

/// How a call ends.
#[derive(Debug, PartialEq)]
enum End {
    /// The other side ended it.
    Theirs,
    /// The other side is gone, or never said what it is.
    Gone,
    /// We end it.
    Ours,
    /// What came was not the protocol.
    Broken(Broken),
}

async fn converse(mut stream: TcpStream, place: Place, gateway: Arc<Gateway>) {
    let mut call = Call::new(&gateway, hub::Protocol::AudioSocket);
    let end = listen(&mut stream, &mut call, &gateway).await;
    match end {
        End::Broken(broken) => {
            broken_call(&gateway, hub::Protocol::AudioSocket, broken);
            call.fail(Fault::Protocol, &mut |_| {});
        }
        End::Gone if !call.has_begun() => gateway.failed_handshake(),
        _ => call.finish(&mut |_| {}).await,
    }
    if matches!(end, End::Ours | End::Broken(_)) {
        if end == End::Ours {
            tokio::time::sleep(GRACE).await;
        }
        // A peer that takes nothing any more has had its time.
        let _ = tokio::time::timeout(MAX_DRAIN, hang_up(&mut stream)).await;
    }
    drop(place);
}

async fn listen(stream: &mut TcpStream, call: &mut Call, gateway: &Gateway) -> End {
    let mut protocol = AudioSocket::default();
    let (config, limits) = (&gateway.config.audiosocket, &gateway.config.limits);
    let silence_every = Duration::from_millis(config.silence_every_ms.into());
    let mut ticks = interval(if silence_every.is_zero() { LOOK_EVERY } else { silence_every.min(LOOK_EVERY) });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let release_after = Duration::try_from_secs_f64(config.release_after_seconds).unwrap_or(Duration::MAX);
    let mut heard_at = Instant::now();
    let began = heard_at;
    let mut silence = Silence { every: silence_every, sent_at: began, sent: SILENCE_FRAME.len() };
    let mut stopped = std::pin::pin!(gateway.stopped());
    loop {
        tokio::select! {
            biased;
            read = read(stream, &mut protocol, call, limits.message_bytes) => match read {
                Ok(Some(Flow::GoesOn)) => {
                    heard_at = Instant::now();
                    call.look(&mut |_| {});
                }
                Ok(Some(Flow::Ends) | None) => return if call.has_begun() { End::Theirs } else { End::Gone },
                Err(Failure::Reset) => return End::Gone,
                Err(Failure::Broken(broken)) => return End::Broken(broken),
            },
            _ = ticks.tick() => {
                call.tick(&mut |_| {});
                let now = Instant::now();
                if now - heard_at > limits.idle() || (!call.has_begun() && now - began > limits.handshake()) {
                    return if call.has_begun() { End::Ours } else { End::Gone };
                }
                if call.has_begun() && silence.send(stream, now).is_err() {
                    return End::Gone;
                }
                let is_due = !release_after.is_zero() && call.age() > release_after;
                if is_due || call.age() > limits.call() {
                    return End::Ours;
                }
            }
            () = &mut stopped => return End::Ours,
        }
        if call.is_unwatched() || (config.release == Release::Firm && call.is_firm()) {
            return End::Ours;
        }
    }
}

enum Failure {
    Reset,
    Broken(Broken),
}

/// Reads what is there and hears it; none at the end of the other side. The bytes lie on the stack: nothing of them is kept while
/// a call waits for more.
async fn read(
    stream: &mut TcpStream,
    protocol: &mut AudioSocket,
    call: &mut Call,
    max_frame: usize,
) -> Result<Option<Flow>, Failure> {
    std::future::poll_fn(|context| {
        let mut bytes = [0; CHUNK];
        let mut buffer = ReadBuf::new(&mut bytes);
        if ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer)).is_err() {
            return Poll::Ready(Err(Failure::Reset));
        }
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(None));
        }
        let heard = protocol.hear(Incoming::Binary(buffer.filled()), call);
        if protocol.n_begun() > max_frame {
            return Poll::Ready(Err(Failure::Broken(Broken(
                "expected a frame that is no longer than limits.message_bytes",
            ))));
        }
        Poll::Ready(heard.map(Some).map_err(Failure::Broken))
    })
    .await
}

/// The silence that is sent back. A peer that does not read gets no more of it until it does; a frame is never cut off.
struct Silence {
    every: Duration,
    sent_at: Instant,
    /// Of the last frame.
    sent: usize,
}

impl Silence {
    fn send(&mut self, stream: &TcpStream, now: Instant) -> io::Result<()> {
        // A tick may be early by less than its precision.
        if self.sent == SILENCE_FRAME.len()
            && !self.every.is_zero()
            && now + Duration::from_millis(2) >= self.sent_at + self.every
        {
            (self.sent, self.sent_at) = (0, now);
        }
        let Some(rest) = SILENCE_FRAME.get(self.sent..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
        match stream.try_write(rest) {
            Ok(n) => self.sent += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The hang-up frame, the end of our side, and reading on until theirs ends.
async fn hang_up(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(&HANG_UP_FRAME).await?;
    stream.shutdown().await?;
    loop {
        let read = std::future::poll_fn(|context| {
            let mut bytes = [0; CHUNK];
            let mut buffer = ReadBuf::new(&mut bytes);
            Pin::new(&mut *stream).poll_read(context, &mut buffer).map_ok(|()| buffer.filled().len())
        });
        if read.await? == 0 {
            return Ok(());
        }
    }
}
