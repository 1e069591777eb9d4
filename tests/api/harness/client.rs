//! Signed-in users, their requests and the responses.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::http;
use super::socket::Socket;

/// A whole response.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// HTTP's status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// The data of a response without errors.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert_eq!(self.body.get("errors"), None, "{}", self.body);
        &self.body["data"]
    }

    /// The first error's code.
    #[track_caller]
    pub fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error: {}", self.body))
    }
}

/// Retries of [`Person::retrying_overload`], and the pause before each.
const OVERLOAD_RETRIES: u32 = 20;
const OVERLOAD_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Sends an operation.
pub async fn post(address: SocketAddr, token: Option<&str>, document: &str, variables: Value) -> Answer {
    let body = json!({ "query": document, "variables": variables });
    let mut request = http::client().post(format!("http://{address}/graphql")).json(&body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.expect("the server answers");
    let status = response.status().as_u16();
    let text = response.text().await.expect("the answer is whole");
    let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    Answer { status, body }
}

/// A signed-in user.
#[derive(Clone, Debug)]
pub struct Person {
    /// The instance that requests go to.
    pub address: SocketAddr,
    /// Their global id.
    pub id: String,
    /// Their access token.
    pub token: String,
    /// Their refresh token.
    pub refresh: String,
    /// How often a request that is refused as overload is sent again.
    pub overload_retries: u32,
}

impl Person {
    /// The password of every test user.
    pub const PASSWORD: &str = "correct horse battery";

    pub fn new(address: SocketAddr, payload: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text in {payload}")).to_owned();
        Self {
            address,
            id: text(&payload["user"]["id"]),
            token: text(&payload["tokens"]["accessToken"]),
            refresh: text(&payload["tokens"]["refreshToken"]),
            overload_retries: 0,
        }
    }

    /// A user whose access token was made by the test; there is no session to refresh.
    pub fn with_token(address: SocketAddr, id: plaza::ids::UserId, token: String) -> Self {
        Self { address, id: id.global().0, token, refresh: String::new(), overload_retries: 0 }
    }

    /// The key of their row.
    pub fn key(&self) -> i64 {
        plaza::ids::UserId::parse(&self.id).expect("an id").0
    }

    /// The same user, whose requests are sent again when they are refused as overload: for tests that send more at once than
    /// the pools of a slow machine serve in time.
    pub fn retrying_overload(&self) -> Self {
        Self { overload_retries: OVERLOAD_RETRIES, ..self.clone() }
    }

    /// The same user on another instance.
    pub fn on_instance(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// Runs an operation.
    pub async fn run(&self, document: &str, variables: Value) -> Answer {
        post(self.address, Some(&self.token), document, variables).await
    }

    /// Runs an operation that has no errors, and returns its data.
    pub async fn data(&self, document: &str, variables: Value) -> Value {
        for _ in 0..self.overload_retries {
            let answer = self.run(document, variables.clone()).await;
            if answer.body["errors"][0]["extensions"]["code"] != "OVERLOADED" {
                return answer.data().clone();
            }
            tokio::time::sleep(OVERLOAD_PAUSE).await;
        }
        self.run(document, variables).await.data().clone()
    }

    /// Opens a socket.
    pub async fn socket(&self) -> Socket {
        Socket::open(self.address, json!({ "authorization": format!("Bearer {}", self.token) })).await
    }

    /// Sends a direct message and returns it.
    pub async fn send_message(&self, to: &Person, text: &str) -> Value {
        let data = self.data(SEND, json!({ "input": direct_message(to, text) })).await;
        assert_eq!(data["sendMessage"]["userErrors"], json!([]), "{data}");
        data["sendMessage"]["message"].clone()
    }

    /// The cursor of the event stream now.
    pub async fn event_cursor(&self) -> String {
        let data = self.data("{ viewer { eventCursor } }", json!({})).await;
        data["viewer"]["eventCursor"].as_str().expect("a cursor").to_owned()
    }
}

/// The usual mutation.
pub const SEND: &str = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) {
    message { id seq conversation { id } sender { id } content { ... on TextContent { text } } }
    deduplicated userErrors { code message field } } }";

/// The input of a direct text message.
pub fn direct_message(to: &Person, text: &str) -> Value {
    json!({ "to": { "userId": to.id }, "content": { "text": { "text": text } } })
}
