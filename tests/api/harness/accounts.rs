//! What tests do with accounts again and again.

use std::net::SocketAddr;

use axum::http::Method;
use serde_json::{Value, json};

use super::http::{JSON, send};
use super::{Answer, Person, TestApp};

/// Asks for a code.
pub const REQUEST: &str = "mutation ($input: RequestVerificationCodeInput!) { requestVerificationCode(input: $input) {
    ok userErrors { code field ... on RateLimitedError { retryAfterSeconds } } } }";

/// Signs in.
pub const LOGIN: &str = "mutation ($input: LoginInput!) { login(input: $input) {
    tokens { accessToken refreshToken needsPasswordUpdate }
    user { id username nickname accountNumber score private { email emailVerified phone phoneVerified } }
    userErrors { code field message } } }";

/// Registers.
pub const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) {
    tokens { accessToken refreshToken needsPasswordUpdate } user { id username nickname }
    userErrors { code field message } } }";

/// Changes one's profile, and shows all of it.
pub const UPDATE: &str = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) {
    user { username nickname gender birthday age bio score verification place { country province city district }
        private { email emailVerified pendingEmail phone phoneVerified pendingPhone idCard studentId address
            coordinates { longitude latitude } suspended suspendedUntil } }
    userErrors { code field } } }";

/// The private part of the viewer's account.
pub const PRIVATE: &str = "{ viewer { user { id username private { email emailVerified pendingEmail phone phoneVerified
    pendingPhone idCard studentId address coordinates { longitude latitude } suspended suspendedUntil } } } }";

/// A contact as an input has it.
pub fn contact(text: &str) -> Value {
    if text.contains('@') { json!({ "email": text }) } else { json!({ "phone": text }) }
}

/// A sign-in with a code.
pub fn by_code(text: &str, code: &str) -> Value {
    let credential = if text.contains('@') {
        json!({ "emailCode": { "email": text, "code": code } })
    } else {
        json!({ "phoneCode": { "phone": text, "code": code } })
    };
    json!({ "input": { "credential": credential } })
}

/// A sign-in with a password.
pub fn by_password(account: &str, password: &str) -> Value {
    json!({ "input": { "credential": { "password": { "account": account, "password": password } } } })
}

/// The codes of a payload's user errors.
#[track_caller]
pub fn codes(payload: &Value) -> Vec<&str> {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("no user errors in {payload}"));
    errors.iter().map(|error| error["code"].as_str().expect("a code")).collect()
}

/// The user errors of a payload, each as its code and dotted path.
#[track_caller]
pub fn user_errors(payload: &Value) -> Vec<String> {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("no user errors in {payload}"));
    let path = |error: &Value| match error["field"].as_array() {
        Some(field) => field.iter().map(|part| part.as_str().expect("text")).collect::<Vec<_>>().join("."),
        None => String::new(),
    };
    errors.iter().map(|error| format!("{} {}", error["code"].as_str().expect("a code"), path(error))).collect()
}

impl TestApp {
    /// Runs a mutation without a token and returns its payload.
    pub async fn payload(&self, document: &str, variables: Value) -> Value {
        self.run(document, variables).await.data().as_object().expect("data").values().next().expect("a field").clone()
    }

    /// Runs a mutation without a token as from an address, which the header `X-Client` names, and returns its payload.
    pub async fn payload_from(&self, from: &str, document: &str, variables: Value) -> Value {
        payload_from(self.address, (from, None), document, variables).await
    }

    /// Requests a one-time code and returns the payload.
    pub async fn request_code(&self, to: &str, purpose: &str) -> Value {
        self.payload(REQUEST, json!({ "input": { "contact": contact(to), "purpose": purpose } })).await
    }

    /// Requests a one-time code and waits for it, the message number `count` to this contact.
    pub async fn receive_code(&self, to: &str, purpose: &str, count: usize) -> String {
        let payload = self.request_code(to, purpose).await;
        assert_eq!(codes(&payload), Vec::<&str>::new(), "{payload}");
        let full = if to.contains('@') || to.starts_with('+') { to.to_owned() } else { format!("+86{to}") };
        self.wait_for_code(&full, count).await
    }

    /// Registers a user with a role.
    pub async fn as_role(&self, username: &str, role: &str) -> Person {
        let person = self.as_user(username).await;
        let sql = format!("update users set role = '{role}' where id = {}", person.key());
        self.sql().await.batch_execute(&sql).await.expect("the role exists");
        person
    }
}

async fn payload_from(to: SocketAddr, (from, token): (&str, Option<&str>), document: &str, variables: Value) -> Value {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![JSON, ("x-client", from)];
    headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
    let reply = send(to, Method::POST, "/graphql", &headers, body).await;
    let answer = Answer { status: reply.status, body: reply.json() };
    answer.data().as_object().expect("data").values().next().expect("a field").clone()
}

impl Person {
    /// Runs an operation as from an address, which the header `X-Client` names, and returns its one field.
    pub async fn payload_from(&self, from: &str, document: &str, variables: Value) -> Value {
        payload_from(self.address, (from, Some(&self.token)), document, variables).await
    }

    /// Runs an operation and returns its one field.
    pub async fn payload(&self, document: &str, variables: Value) -> Value {
        let data = self.data(document, variables).await;
        data.as_object().expect("data").values().next().expect("a field").clone()
    }

    /// The private part of the account.
    pub async fn private(&self) -> Value {
        self.payload(PRIVATE, json!({})).await["user"]["private"].clone()
    }
}
