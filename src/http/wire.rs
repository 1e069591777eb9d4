//! A connection's stream: holds its permits until closed, upgraded or not, and rewrites header names of the WebSocket
//! handshake to the case of RFC 6455, as some clients are case-sensitive.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Header prefix as hyper writes it, and as in the RFC; same length.
const HYPER_PREFIX: &[u8] = b"Sec-Websocket-";
const RFC_PREFIX: &[u8] = b"Sec-WebSocket-";

const HEAD_TERMINATOR: &[u8] = b"\r\n\r\n";

/// Marks the next response as a WebSocket handshake.
#[derive(Clone, Debug, Default)]
pub struct Handshake(Arc<AtomicBool>);

impl Handshake {
    /// Marks it.
    pub fn announce(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// See the module docs.
pub struct Wire<S, H> {
    stream: S,
    handshake: Handshake,
    _held: H,
}

impl<S, H> Wire<S, H> {
    /// Wraps a stream; `held` is dropped with it.
    pub fn new(stream: S, handshake: Handshake, held: H) -> Self {
        Self { stream, handshake, _held: held }
    }
}

impl<S: AsyncRead + Unpin, H: Unpin> AsyncRead for Wire<S, H> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin, H: Unpin> AsyncWrite for Wire<S, H> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.handshake.0.load(Ordering::Relaxed) || !bytes.starts_with(b"HTTP/1.1 101") {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, &with_standard_names(bytes));
        if written.is_ready() {
            self.handshake.0.store(false, Ordering::Relaxed);
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.handshake.0.load(Ordering::Relaxed) {
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            return self.poll_write(cx, first);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Rewrites the header names of the response head.
fn with_standard_names(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.windows(HEAD_TERMINATOR.len()).position(|window| window == HEAD_TERMINATOR).unwrap_or(bytes.len());
    let mut written = bytes.to_vec();
    for (at, window) in bytes.windows(HYPER_PREFIX.len()).enumerate().take(end) {
        if window == HYPER_PREFIX
            && let Some(place) = written.get_mut(at..at + RFC_PREFIX.len())
        {
            place.copy_from_slice(RFC_PREFIX);
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_head_s_names_are_written_anew() {
        let written = with_standard_names(
            b"HTTP/1.1 101 X\r\nSec-Websocket-Accept: a\r\nSec-Websocket-Protocol: b\r\n\r\nSec-Websocket-",
        );
        let text = String::from_utf8(written).unwrap();
        assert_eq!(
            text,
            "HTTP/1.1 101 X\r\nSec-WebSocket-Accept: a\r\nSec-WebSocket-Protocol: b\r\n\r\nSec-Websocket-"
        );
    }
}
