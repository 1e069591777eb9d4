//! The accept loop: bounded connections, timeouts for slow senders and readers.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::RETRY_AFTER;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::shared_limit::NetworkLimiter;
use super::wire::{Handshake, Wire};
use crate::config::{Config, Rate, TransportLimits};
use crate::keyed_semaphore::KeyedPermit;

/// Timeout of request headers and of idle keep-alive connections.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);

/// Timeout of a write that makes no progress.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Size of request headers.
const HEAD_BYTES: usize = 32 * 1024;

/// Delay after a failed accept, such as without file descriptors.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Answers 503 until the router is set at the end of the startup.
#[derive(Clone, Default)]
pub struct StartupGate(Arc<OnceLock<Router>>);

impl StartupGate {
    /// Opened from the start.
    #[must_use]
    pub fn open_with(router: Router) -> Self {
        let gate = Self::default();
        gate.open(router);
        gate
    }

    /// Sets the router.
    pub fn open(&self, router: Router) {
        // A second call has no effect.
        let _ = self.0.set(router);
    }

    async fn answer(self, request: Request<Body>) -> Response {
        match self.0.get() {
            Some(router) => router.clone().oneshot(request).await.unwrap_or_else(|never| match never {}),
            None if request.uri().path() == "/healthz" => "ok\n".into_response(),
            None => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "starting\n").into_response(),
        }
    }
}

/// Limits of open connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    total: usize,
    /// None behind a proxy, whose connections carry all clients.
    per_address: Option<Rate>,
    spares_local: bool,
}

impl ConnectionLimits {
    /// As configured.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let TransportLimits { connections, connections_per_address, .. } = config.transport;
        Self {
            total: connections,
            per_address: config.trusted_proxy_header.is_none().then_some(connections_per_address),
            spares_local: config.spares_local,
        }
    }

    /// Lowers the total to `most`.
    #[must_use]
    pub fn within(self, most: usize) -> Self {
        if self.total > most {
            tracing::warn!(
                configured = self.total,
                applied = most,
                "connection limit lowered to the limit of open files"
            );
        }
        Self { total: self.total.min(most), ..self }
    }
}

/// Accepts connections until stopped, then drains running requests.
pub async fn serve(listener: TcpListener, gate: StartupGate, limits: ConnectionLimits, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(limits.total));
    let networks = limits.per_address.map(NetworkLimiter::new);
    let connections = TaskTracker::new();
    loop {
        let accept = async {
            // Over the limit, clients wait in the listen backlog.
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            accepted = accept => accepted,
            () = stop.cancelled() => break,
        };
        let (Ok((stream, peer)), Ok(slot)) = (accepted, slot) else {
            tokio::time::sleep(ACCEPT_RETRY_INTERVAL).await;
            continue;
        };
        let ip = peer.ip().to_canonical();
        let is_local = limits.spares_local && ip.is_loopback();
        // Over the network limit: closed at once.
        let Ok(permits) = networks.as_ref().map(|networks| networks.try_acquire(Some(ip), is_local)).transpose() else {
            continue;
        };
        connections.spawn(serve_connection(stream, peer, (slot, permits.flatten()), gate.clone(), stop.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Permits held until a connection is closed.
type ConnectionPermits = (OwnedSemaphorePermit, Option<KeyedPermit<IpAddr>>);

/// Serves one connection; when stopped, it ends after the running request.
async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    permits: ConnectionPermits,
    gate: StartupGate,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let handshake = Handshake::default();
    let wire = Wire::new(Box::pin(stream), handshake.clone(), permits);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let (gate, handshake) = (gate.clone(), handshake.clone());
        async move {
            let response = gate.answer(request.map(Body::new)).await;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                handshake.announce();
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Some clients are case-sensitive.
        .title_case_headers(true)
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // Errors of a connection are the client's.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
