//! Messages and close codes of graphql-transport-ws.

use async_graphql::{Response, ServerError};
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::AppError;
use crate::graphql::document::{GraphqlRequest, Object};
use crate::graphql::errors;
use crate::http::body;

/// Messages from clients.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// First message, with credentials.
    ConnectionInit {
        /// `{"authorization": "Bearer …"}`.
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    /// Starts an operation.
    Subscribe {
        /// The client's name for it.
        id: String,
        /// The operation.
        payload: Box<Object<GraphqlRequest>>,
    },
    /// Ends an operation.
    Complete {
        /// The operation's id.
        id: String,
    },
    /// Asks for a pong.
    Ping {
        /// Sent back.
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    /// Answers a ping.
    Pong {
        /// Ignored.
        #[serde(default, rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
    /// A `subscribe` whose payload is well-formed JSON but not representable.
    #[serde(skip)]
    Unreadable {
        /// The client's name for it.
        id: String,
        /// The error.
        error: AppError,
    },
}

/// A message without its payload.
#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    id: String,
}

/// Parses a message; none if not of the protocol.
pub fn parse(text: &str) -> Option<ClientMessage> {
    let message = match serde_json::from_str::<Object<ClientMessage>>(text) {
        Ok(Object(message)) => message,
        Err(error) => return unreadable(&error, text),
    };
    let whole = match &message {
        ClientMessage::Subscribe { id, payload } => {
            !id.is_empty() && (payload.0.query.is_some() || payload.0.check_named().is_ok())
        }
        ClientMessage::Complete { id } => !id.is_empty(),
        _ => true,
    };
    whole.then_some(message)
}

/// Error for one `subscribe` with an unreadable payload; the socket stays open.
fn unreadable(error: &serde_json::Error, text: &str) -> Option<ClientMessage> {
    let error = body::unreadable(error, text.as_bytes())?;
    let Object(Envelope { r#type, id }) = serde_json::from_str(text).ok()?;
    (r#type == "subscribe" && !id.is_empty()).then_some(ClientMessage::Unreadable { id, error })
}

/// Close code, and a reason of at most 123 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close(pub u16, pub &'static str);

impl Close {
    pub const GOING_AWAY: Self = Self(1001, "draining");
    pub const PROTOCOL_ERROR: Self = Self(1002, "protocol error");
    pub const TOO_LARGE: Self = Self(1009, "message too large");
    pub const OVERLOADED: Self = Self(1013, "overloaded");
    pub const TOO_MANY_FROM_ADDRESS: Self = Self(1013, "too many sockets from this address");
    pub const MALFORMED: Self = Self(4400, "not a message of graphql-transport-ws");
    pub const UNAUTHORIZED: Self = Self(4401, "Unauthorized");
    pub const MALFORMED_CREDENTIALS: Self =
        Self(4401, "credentials not understood: send authorization: Bearer <access token>");
    pub const TOKEN_INVALID: Self = Self(4401, "token-invalid");
    pub const TOKEN_EXPIRED: Self = Self(4403, "token-expired");
    pub const SIGNED_OUT: Self = Self(4401, "signed-out");
    pub const REVOKED: Self = Self(4401, "revoked");
    pub const SUSPENDED: Self = Self(4401, "suspended");
    pub const WRONG_PROTOCOL: Self = Self(4406, "Subprotocol not acceptable: use graphql-transport-ws");
    pub const INIT_TIMEOUT: Self = Self(4408, "Connection initialisation timeout");
    pub const DUPLICATE_ID: Self = Self(4409, "Subscriber for this id already exists");
    pub const TOO_MANY_INITS: Self = Self(4429, "Too many initialisation requests");
    pub const SLOW_READER: Self = Self(4499, "slow reader");

    /// The close frame.
    pub fn frame(self) -> Message {
        Message::Close(Some(CloseFrame { code: self.0, reason: Utf8Bytes::from_static(self.1) }))
    }
}

fn text(value: &Value) -> Message {
    Message::Text(value.to_string().into())
}

/// `connection_ack`.
pub fn connection_ack() -> Message {
    text(&json!({ "type": "connection_ack" }))
}

/// `pong`.
pub fn pong(payload: Option<Map<String, Value>>) -> Message {
    match payload {
        Some(payload) => text(&json!({ "type": "pong", "payload": payload })),
        None => text(&json!({ "type": "pong" })),
    }
}

/// `complete`.
pub fn complete(id: &str) -> Message {
    text(&json!({ "type": "complete", "id": id }))
}

/// `error`.
pub fn error(id: &str, errors: &[ServerError]) -> Message {
    text(&json!({ "type": "error", "id": id, "payload": errors }))
}

/// A serialised response, which several frames may share.
pub fn payload(response: &Response) -> Bytes {
    errors::to_json(response, false).into()
}

/// `next`, around a serialised response.
pub fn next(id: &str, payload: &Bytes) -> Message {
    let id = Value::from(id).to_string();
    let mut frame = Vec::with_capacity(id.len() + payload.len() + 40);
    frame.extend_from_slice(b"{\"type\":\"next\",\"id\":");
    frame.extend_from_slice(id.as_bytes());
    frame.extend_from_slice(b",\"payload\":");
    frame.extend_from_slice(payload);
    frame.push(b'}');
    // Both parts were written as JSON, which is UTF-8.
    Message::Text(Utf8Bytes::try_from(Bytes::from(frame)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A longer one would be no legal frame.
    #[test]
    fn every_reason_fits_into_a_close_frame() {
        for Close(code, reason) in [
            Close::GOING_AWAY,
            Close::PROTOCOL_ERROR,
            Close::TOO_LARGE,
            Close::OVERLOADED,
            Close::MALFORMED,
            Close::UNAUTHORIZED,
            Close::MALFORMED_CREDENTIALS,
            Close::TOKEN_INVALID,
            Close::TOO_MANY_FROM_ADDRESS,
            Close::TOKEN_EXPIRED,
            Close::SIGNED_OUT,
            Close::REVOKED,
            Close::SUSPENDED,
            Close::WRONG_PROTOCOL,
            Close::INIT_TIMEOUT,
            Close::DUPLICATE_ID,
            Close::TOO_MANY_INITS,
            Close::SLOW_READER,
        ] {
            assert!(reason.len() <= 123 && (1000..5000).contains(&code), "{code} {reason}");
        }
    }

    #[test]
    fn only_messages_of_the_protocol_are_read() {
        let long = "x".repeat(4000);
        for good in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"connection_init","payload":{"a":[1]},"more":1}"#,
            r#"{"type":"ping","payload":{}}"#,
            r#"{"type":"pong"}"#,
            r#"{"type":"complete","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":""}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"documentId":"a"}}"#,
            r#"{"id":"1","payload":{"query":"{a}","variables":null,"operationName":null,"extensions":{}},"type":"subscribe"}"#,
            &format!(r#"{{"type":"complete","id":"{long}"}}"#),
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":{"a":"\ud83d"}}}"#,
            &format!(r#"{{"type":"subscribe","id":"1","payload":{{"a":{}{}}}}}"#, "[".repeat(200), "]".repeat(200)),
        ] {
            assert!(parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "null",
            "[]",
            "1",
            r#""ping""#,
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"start"}"#,
            r#"{"type":"next","id":"1","payload":{}}"#,
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"connection_init","payload":[]}"#,
            r#"{"type":"ping","payload":"x"}"#,
            r#"{"type":"pong","payload":1}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"complete","id":""}"#,
            r#"{"type":"complete","id":1}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":null}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","extensions":[1]}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":1}}"#,
            r#"{"type":"complete","id":"\ud83d"}"#,
            r#"{"type":"subscribe","id":"","payload":{"a":"\ud83d"}}"#,
            r#"["ping"]"#,
            r#"["connection_init",{}]"#,
            r#"{"type":"subscribe","id":"1","payload":["{a}"]}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","extensions":{"persistedQuery":[1,"x"]}}}"#,
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_json_is_too_strange(
            kind in "connection_init|subscribe|complete|ping|pong|next|[a-z]{1,8}",
            id in prop_oneof![Just("null".to_owned()), "[0-9]{1,3}", "\"[a-z]{0,3}\""],
            payload in "null|1|\\[\\]|\\{\\}|\\{\"query\":(1|null|\"\\{a\\}\")(,\"variables\":(1|null|\\{\\}))?\\}",
        ) {
            let _ = parse(&format!(r#"{{"type":"{kind}","id":{id},"payload":{payload}}}"#));
        }
    }
}
