//! How connections are let in, and what is counted of those that are not what they should be.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::gateway::{Gateway, Place};
use crate::hub;
use crate::protocol::Broken;

/// What came was not the protocol. Told at the first time, the second, the fourth: whoever sends garbage does not fill the log.
pub(super) fn broken_call(gateway: &Gateway, protocol: hub::Protocol, broken: Broken) {
    let n_before = gateway.hub.counters().broken_calls.fetch_add(1, Ordering::Relaxed);
    if n_before.wrapping_add(1).is_power_of_two() {
        let Broken(reason) = broken;
        tracing::warn!(protocol = protocol.as_str(), reason, times = n_before + 1, "a call was not its protocol");
    }
}

pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|e| format!("cannot listen on {address}: {e}"))
}

/// The next connection that there is a place for; none when the gateway stops.
pub(super) async fn accept(listener: &TcpListener, gateway: &Gateway) -> Option<(TcpStream, Place)> {
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
