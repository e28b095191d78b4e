//! The listeners.

mod audiosocket;
mod http;
mod rtp;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::gateway::{Gateway, Place};
use crate::hub;
use crate::outlets::Outlets;
use crate::protocol::Broken;

/// The listeners, bound and ready.
pub struct Listeners {
    audiosocket: Option<audiosocket::AudioSocketListener>,
    http: Option<http::HttpListener>,
}

impl Listeners {
    /// Binds what is configured.
    ///
    /// # Errors
    /// Which address cannot be bound, or what is wrong with the certificate.
    pub async fn bind(gateway: &Gateway) -> Result<Self, String> {
        let http = match gateway.config.http.listen {
            Some(address) => Some(http::HttpListener::bind(address, &gateway.config.http).await?),
            None => None,
        };
        let audiosocket = match gateway.config.audiosocket.listen {
            Some(address) => Some(audiosocket::AudioSocketListener::bind(address).await?),
            None => None,
        };
        Ok(Self { audiosocket, http })
    }

    /// Says what is wrong with the certificate, and binds nothing.
    ///
    /// # Errors
    /// What is wrong, in words for people.
    pub fn check(gateway: &Gateway) -> Result<(), String> {
        http::check(&gateway.config.http)
    }

    /// Where `AudioSocket` is listened for.
    #[must_use]
    pub fn audiosocket(&self) -> Option<SocketAddr> {
        self.audiosocket.as_ref().and_then(audiosocket::AudioSocketListener::address)
    }

    /// Where HTTP and WebSockets are listened for.
    #[must_use]
    pub fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(http::HttpListener::address)
    }

    /// Serves until the gateway is told to stop and its calls have ended, or had the time for it.
    pub async fn serve(self, gateway: Arc<Gateway>, outlets: Arc<Outlets>) {
        let mut serving = JoinSet::new();
        if let Some(audiosocket) = self.audiosocket {
            serving.spawn(audiosocket.serve(Arc::clone(&gateway)));
        }
        if let Some(http) = self.http {
            serving.spawn(http.serve(Arc::clone(&gateway), outlets));
        }
        gateway.stopped().await;
        while serving.join_next().await.is_some() {}
    }
}

/// A connection did not say in time what it is, or not with the right token.
fn failed_handshake(gateway: &Gateway) {
    gateway.hub.counters().failed_handshakes.fetch_add(1, Ordering::Relaxed);
}

/// What came was not the protocol. Told at the first time, the second, the fourth: whoever sends garbage does not fill the log.
fn broken_call(gateway: &Gateway, protocol: hub::Protocol, broken: Broken) {
    let n_before = gateway.hub.counters().broken_calls.fetch_add(1, Ordering::Relaxed);
    if n_before.wrapping_add(1).is_power_of_two() {
        let Broken(reason) = broken;
        tracing::warn!(protocol = protocol.as_str(), reason, times = n_before + 1, "a call was not its protocol");
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|e| format!("cannot listen on {address}: {e}"))
}

/// The next connection that there is a place for; none when the gateway stops.
async fn accept(listener: &TcpListener, gateway: &Gateway) -> Option<(TcpStream, Place)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = gateway.stopped() => return None,
        };
        match accepted {
            Ok((stream, _)) => match gateway.place() {
                Some(place) => {
                    // What is sent back is small and urgent.
                    let _ = stream.set_nodelay(true);
                    return Some((stream, place));
                }
                None => gateway.hub.counters().refused_connections.fetch_add(1, Ordering::Relaxed),
            },
            Err(error) => {
                // Out of file descriptors, most likely: those that end make room.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                0
            }
        };
    }
}
