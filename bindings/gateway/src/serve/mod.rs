//! The listeners.

mod audiosocket;
mod doors;
mod http;
mod rtp;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::gateway::Gateway;
use crate::outlets::Outlets;

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
        let rest = async {
            while serving.join_next().await.is_some() {}
            // Calls by WebSocket and RTP go on beside the listeners, until they have told their last verdicts.
            gateway.deserted().await;
        };
        // Whoever does not end by then is left.
        let _ = tokio::time::timeout(gateway.config.limits.drain(), rest).await;
    }
}
