//! The ports that are open for RTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::UdpSocket;
use tokio::sync::Notify;

use crate::config::Rtp;
use crate::id::Id;

/// Ports that are open, each with what closes it.
#[derive(Default)]
pub struct RtpPorts {
    open: Mutex<BTreeMap<Id, Arc<Notify>>>,
    /// Even ports that were tried since the start.
    n_tried: AtomicU16,
}

impl RtpPorts {
    /// Opens an even port, one after the other, so that one that was just closed is not open again at once: somebody may still be
    /// sending to it. None where all are taken.
    pub async fn open(&self, config: &Rtp) -> Option<(Id, UdpSocket, Arc<Notify>)> {
        let first = config.ports.0.next_multiple_of(2);
        let n_ports = (config.ports.1.checked_sub(first)?) / 2 + 1;
        for _ in 0..n_ports {
            let n = self.n_tried.fetch_add(1, Ordering::Relaxed) % n_ports;
            let Ok(socket) = UdpSocket::bind(SocketAddr::new(config.address, first + 2 * n)).await else { continue };
            let (id, close) = (Id::random(), Arc::new(Notify::new()));
            self.locked().insert(id, Arc::clone(&close));
            return Some((id, socket, close));
        }
        None
    }

    /// Closes a port. Says whether it was open.
    pub fn close(&self, id: Id) -> bool {
        let closed = self.locked().remove(&id);
        if let Some(close) = &closed {
            close.notify_one();
        }
        closed.is_some()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<Id, Arc<Notify>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
