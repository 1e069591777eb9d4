//! The loop that takes connections: bounded in number, with time limits for whoever is slow to speak or to listen.

use std::convert::Infallible;
use std::net::SocketAddr;
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
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// The head of a request arrives within this time, and an idle connection is closed after it.
const HEADERS: Duration = Duration::from_secs(20);

/// Somebody who takes nothing of what was written for this long is gone.
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

/// Takes connections until told to stop, then lets the running requests end.
pub async fn serve(listener: TcpListener, front: Front, most: usize, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(most));
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
        let answering = answer(stream, peer, front.clone(), stop.clone());
        connections.spawn(async move {
            let _slot = slot;
            answering.await;
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Answers one connection to its end. Told to stop, it ends with the request that runs.
async fn answer(stream: TcpStream, peer: SocketAddr, front: Front, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let front = front.clone();
        async move { Ok::<_, Infallible>(front.answer(request.map(Body::new)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // Whatever ends a connection early is the client's affair.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
