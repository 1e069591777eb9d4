//! The loop that takes connections: bounded in number, with time limits for clients that are slow to send or to read.

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

use super::shares::Networks;
use super::wire::{Handshake, Wire};
use crate::config::{Config, Rate, TransportLimits};
use crate::keyed_semaphore::KeyedPermit;

/// The head of a request arrives within this time, and an idle connection is closed after it.
const HEADERS: Duration = Duration::from_secs(20);

/// A client that takes nothing of what was written for this long is gone.
const WRITE: Duration = Duration::from_secs(10);

/// Bytes of a request's head.
const HEAD_BYTES: usize = 32 * 1024;

/// After the machine ran out of something, so long until the next try.
const PAUSE: Duration = Duration::from_millis(50);

/// What connections are answered by: nothing yet while the process starts.
#[derive(Clone, Default)]
pub struct Front(Arc<OnceLock<Router>>);

impl Front {
    /// A front that is open from the beginning.
    #[must_use]
    pub fn open_with(router: Router) -> Self {
        let front = Self::default();
        front.open(router);
        front
    }

    /// From now on the router answers.
    pub fn open(&self, router: Router) {
        // A second router would be a mistake of the caller's; the first stays.
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

/// How many connections are open at once.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    total: usize,
    /// None behind a proxy, whose connections are shared by all clients.
    per_address: Option<Rate>,
    spares_local: bool,
}

impl ConnectionLimits {
    /// As the settings say.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let TransportLimits { connections, connections_per_address, .. } = config.transport;
        Self {
            total: connections,
            per_address: config.trusted_proxy_header.is_none().then_some(connections_per_address),
            spares_local: config.spares_local,
        }
    }

    /// No more than so many in all.
    #[must_use]
    pub fn within(self, most: usize) -> Self {
        if self.total > most {
            tracing::warn!(asked = self.total, taken = most, "fewer connections: the system allows no more open files");
        }
        Self { total: self.total.min(most), ..self }
    }
}

/// Takes connections until told to stop, then lets the running requests end.
pub async fn serve(listener: TcpListener, front: Front, limits: ConnectionLimits, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(limits.total));
    let networks = limits.per_address.map(Networks::new);
    let connections = TaskTracker::new();
    loop {
        let accept = async {
            // Those who come too many wait in the system's queue.
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            accepted = accept => accepted,
            () = stop.cancelled() => break,
        };
        let (Ok((stream, peer)), Ok(slot)) = (accepted, slot) else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let ip = peer.ip().to_canonical();
        let is_local = limits.spares_local && ip.is_loopback();
        // Closed at once: it costs nothing, and the client is not left waiting.
        let Ok(held) = networks.as_ref().map(|networks| networks.take(Some(ip), is_local)).transpose() else {
            continue;
        };
        connections.spawn(answer(stream, (peer, (slot, held.flatten())), front.clone(), stop.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// What a connection holds until it is closed.
type ConnectionHeld = (OwnedSemaphorePermit, Option<KeyedPermit<IpAddr>>);

/// Answers one connection to its end. Told to stop, it ends with the request that runs.
async fn answer(stream: TcpStream, (peer, held): (SocketAddr, ConnectionHeld), front: Front, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE));
    let handshake = Handshake::default();
    let wire = Wire::new(Box::pin(stream), handshake.clone(), held);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let (front, handshake) = (front.clone(), handshake.clone());
        async move {
            let response = front.answer(request.map(Body::new)).await;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                handshake.announce();
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Some clients look for these very capitals.
        .title_case_headers(true)
        .header_read_timeout(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // Whatever ends a connection early is the client's affair.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
