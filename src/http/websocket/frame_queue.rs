//! The bounded queue of outgoing frames, and its writer.

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
use crate::metrics::GaugeGuard;

/// Timeout of writing a frame and those that wait behind it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout of flushing the queue at close.
const CLOSE_FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Queued frames; senders beyond wait in FIFO order.
const QUEUE_LIMIT: usize = 16;

type QueuedFrame = (Message, GaugeGuard);

/// Sending side, shared by the operations of a socket.
#[derive(Clone)]
pub struct FrameQueue {
    queue: mpsc::Sender<QueuedFrame>,
    waiting: Gauge,
}

/// Receiving side of a [`FrameQueue`].
pub struct FrameReceiver(mpsc::Receiver<QueuedFrame>);

impl FrameQueue {
    /// An empty queue.
    pub fn new(waiting: &Gauge) -> (Self, FrameReceiver) {
        let (queue, receiver) = mpsc::channel(QUEUE_LIMIT);
        (Self { queue, waiting: waiting.clone() }, FrameReceiver(receiver))
    }

    /// Queues a frame, waiting for space.
    ///
    /// # Errors
    /// When the socket is closed.
    pub async fn send(&self, message: Message) -> Result<(), SendError<()>> {
        let permit = self.queue.reserve().await?;
        permit.send((message, GaugeGuard::new(&self.waiting)));
        Ok(())
    }

    /// Queues a frame if there is space.
    pub fn try_send(&self, message: Message) {
        if let Ok(permit) = self.queue.try_reserve() {
            permit.send((message, GaugeGuard::new(&self.waiting)));
        }
    }

    /// Waits until the writer has ended.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }
}

/// Sends a frame, and those that wait behind it, in one write.
async fn send_queued(
    sink: &mut SplitSink<WebSocket, Message>,
    first: QueuedFrame,
    queue: &mut FrameReceiver,
) -> Result<(), axum::Error> {
    let (message, gauge) = first;
    // They count until they were written.
    let mut gauges = vec![gauge];
    sink.feed(message).await?;
    while let Ok((message, gauge)) = queue.0.try_recv() {
        gauges.push(gauge);
        sink.feed(message).await?;
    }
    sink.flush().await
}

/// Writes frames until told how to close; flushes the queue first.
pub async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: FrameReceiver,
    closing: oneshot::Receiver<Option<Close>>,
) {
    let mut closing = pin!(closing);
    let close = loop {
        tokio::select! {
            close = &mut closing => break close.ok().flatten(),
            frame = queue.0.recv() => {
                let Some(frame) = frame else { break (&mut closing).await.ok().flatten() };
                match timeout(WRITE_TIMEOUT, send_queued(&mut sink, frame, &mut queue)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    // Dropping the queue ends the session as well.
                    Err(_) => break Some(Close::SLOW_READER),
                }
            }
        }
    };
    let Some(close) = close else {
        // Completes the closing handshake of the client.
        let _ = timeout(CLOSE_FLUSH_TIMEOUT, sink.close()).await;
        return;
    };
    let flush = async {
        while let Ok((message, _gauge)) = queue.0.try_recv() {
            sink.feed(message).await?;
        }
        sink.send(close.frame()).await?;
        sink.close().await
    };
    let _ = timeout(CLOSE_FLUSH_TIMEOUT, flush).await;
}
