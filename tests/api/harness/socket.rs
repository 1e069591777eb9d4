//! A client of graphql-transport-ws that waits for everything, but not for ever.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::WAIT_TIMEOUT;

/// An open socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u32,
}

impl Socket {
    /// Connects without a word.
    pub async fn connect(address: SocketAddr, protocol: Option<&str>) -> Self {
        Self::connect_to(address, "/graphql/ws", protocol).await
    }

    /// Connects to a path without a word.
    pub async fn connect_to(address: SocketAddr, path: &str, protocol: Option<&str>) -> Self {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("an address");
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().expect("a protocol"));
        }
        let (stream, _) = tokio_tungstenite::connect_async(request).await.expect("the server takes sockets");
        Self { stream, next_id: 0 }
    }

    /// Connects with these headers; the HTTP status of a refusal, 0 when the connection closes without a response.
    pub async fn try_connect(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, u16> {
        Self::try_connect_at(address, "/graphql", headers).await
    }

    /// Connects to a path with these headers; the HTTP status of a refusal.
    pub async fn try_connect_at(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("an address");
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a protocol"));
        for (name, value) in headers {
            let name: axum::http::HeaderName = name.parse().expect("a name");
            request.headers_mut().insert(name, value.parse().expect("a value"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream, next_id: 0 }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            // Closed without an answer.
            Err(Error::Io(_) | Error::Protocol(ProtocolError::HandshakeIncomplete)) => Err(0),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects and is acknowledged.
    pub async fn open(address: SocketAddr, payload: Value) -> Self {
        let mut socket = Self::connect(address, Some("graphql-transport-ws")).await;
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.receive().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.expect("the socket is open");
    }

    /// Sends a frame as it is.
    pub async fn send_frame(&mut self, message: Message) {
        self.stream.send(message).await.expect("the socket is open");
    }

    /// The next message.
    pub async fn receive(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).expect("messages are JSON"),
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// Waits for the close frame: its code and reason.
    pub async fn wait_for_close(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }

    async fn frame(&mut self) -> Message {
        loop {
            let frame = timeout(WAIT_TIMEOUT, self.stream.next()).await.expect("the server speaks in time");
            match frame.expect("the socket is open").expect("the frame is whole") {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }

    /// Starts an operation and returns its id.
    pub async fn subscribe(&mut self, document: &str, variables: Value) -> String {
        self.next_id += 1;
        let id = format!("op-{}", self.next_id);
        let payload = json!({ "query": document, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
        id
    }

    /// Starts a subscription and waits until the hub delivers to it.
    pub async fn subscribe_live(&mut self, app: &super::TestApp, document: &str, variables: Value) -> String {
        let before = app.live.hub.subscriptions();
        let id = self.subscribe(document, variables).await;
        super::until("the subscription is known", || async { app.live.hub.live() > before }).await;
        id
    }

    /// The next result of any operation, which has to have data.
    pub async fn next(&mut self) -> Value {
        let message = self.receive().await;
        assert_eq!(message["type"], "next", "{message}");
        assert_eq!(message["payload"].get("errors"), None, "{message}");
        message["payload"]["data"].clone()
    }
}
