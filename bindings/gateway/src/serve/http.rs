//! The listener for HTTP and WebSockets, in the clear or by TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::doors::{accept, bind};
use super::{rtp, websocket};
use crate::api;
use crate::config::Http;
use crate::gateway::{Gateway, Place};
use crate::outlets::Outlets;

/// Room for the head of a request.
const MAX_HEAD: usize = 16_384;

pub struct HttpListener {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl HttpListener {
    pub async fn bind(address: SocketAddr, config: &Http) -> Result<Self, String> {
        Ok(Self { tls: tls(config)?, listener: bind(address).await? })
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    pub async fn serve(self, gateway: Arc<Gateway>, outlets: Arc<Outlets>) {
        let router = router(&gateway, &outlets);
        let mut connections = JoinSet::new();
        while let Some((stream, place)) = accept(&self.listener, &gateway).await {
            let (gateway, router, tls) = (Arc::clone(&gateway), router.clone(), self.tls.clone());
            connections.spawn(async move {
                let Some(tls) = tls else { return converse(stream, place, &gateway, router).await };
                match tokio::time::timeout(gateway.config.limits.handshake(), tls.accept(stream)).await {
                    Ok(Ok(stream)) => converse(stream, place, &gateway, router).await,
                    _ => gateway.failed_handshake(),
                }
            });
            while connections.try_join_next().is_some() {}
        }
        drop(self.listener);
        // Requests that are being answered.
        let rest = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(gateway.config.limits.drain(), rest).await;
    }
}

/// All routes: those that bring audio, each with the right of entry of its own, and those that ask.
fn router(gateway: &Arc<Gateway>, outlets: &Arc<Outlets>) -> Router {
    rtp::routes()
        .route_layer(from_fn_with_state(Arc::clone(gateway), api::access::check))
        .merge(websocket::routes().route_layer(from_fn_with_state(Arc::clone(gateway), api::access::check_origin)))
        .with_state(Arc::clone(gateway))
        .merge(api::routes(outlets))
}

/// The requests of one connection. What takes it over (a WebSocket) finds its [`Place`] among the request's extensions.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    place: Place,
    gateway: &Gateway,
    router: Router,
) {
    let router = router.layer(axum::Extension(place));
    let service = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        hyper::service::Service::call(&service, request.map(axum::body::Body::new))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(gateway.config.limits.handshake()).max_buf_size(MAX_HEAD);
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What goes wrong is the peer's, and ends with its connection.
        _ = connection.as_mut() => return,
        () = gateway.stopped() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

pub fn check(config: &Http) -> Result<(), String> {
    tls(config).map(drop)
}

fn tls(config: &Http) -> Result<Option<TlsAcceptor>, String> {
    match (&config.tls_certificate, &config.tls_key) {
        (Some(certificate), Some(key)) => acceptor(certificate, key).map(Some),
        _ => Ok(None),
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let words = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| words(certificate, &e))?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|e| words(key, &e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| words(certificate, &e))?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|e| words(certificate, &e))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
