//! The frames that wait for a socket, and the task that writes them.

use std::pin::pin;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::protocol::Close;
use crate::metrics::Counted;

/// One frame is written within this time.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What waits when the socket is closed still goes out, within this time.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Frames that wait for the socket. Whoever sends more waits in line: no stream gets ahead of the others.
const QUEUE: usize = 16;

type Frame = (Message, Counted);

/// The way in, shared by the operations of a socket.
#[derive(Clone)]
pub struct Outbox {
    queue: mpsc::Sender<Frame>,
    waiting: Gauge,
}

/// The other end of an [`Outbox`].
pub struct Waiting(mpsc::Receiver<Frame>);

impl Outbox {
    /// An empty queue.
    pub fn new(waiting: &Gauge) -> (Self, Waiting) {
        let (queue, receiver) = mpsc::channel(QUEUE);
        (Self { queue, waiting: waiting.clone() }, Waiting(receiver))
    }

    /// Waits in line with a frame.
    ///
    /// # Errors
    /// When the socket is closed.
    pub async fn send(&self, message: Message) -> Result<(), SendError<()>> {
        let permit = self.queue.reserve().await?;
        permit.send((message, Counted::new(&self.waiting)));
        Ok(())
    }

    /// Sends a frame if nothing has to wait for it.
    pub fn try_send(&self, message: Message) {
        if let Ok(permit) = self.queue.try_reserve() {
            permit.send((message, Counted::new(&self.waiting)));
        }
    }

    /// Returns once nobody writes any more.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }
}

/// Writes frames as they come, until it is told how to close; what waits by then goes out first.
pub async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: Waiting,
    closing: oneshot::Receiver<Option<Close>>,
) {
    let mut closing = pin!(closing);
    let close = loop {
        tokio::select! {
            close = &mut closing => break close.ok().flatten(),
            frame = queue.0.recv() => {
                let Some((message, _counted)) = frame else { break (&mut closing).await.ok().flatten() };
                match timeout(WRITE_TIMEOUT, sink.send(message)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    // Dropping the queue ends the session, too.
                    Err(_) => break Some(Close::SLOW_READER),
                }
            }
        }
    };
    let Some(close) = close else {
        // The client closed: it hears back that this was heard.
        let _ = timeout(LAST_WORDS, sink.close()).await;
        return;
    };
    let last_words = async {
        while let Ok((message, _counted)) = queue.0.try_recv() {
            sink.feed(message).await?;
        }
        sink.send(close.frame()).await?;
        sink.close().await
    };
    let _ = timeout(LAST_WORDS, last_words).await;
}
