//! Authentication: the access token of a request, of a socket's handshake or `connection_init`, or the ticket of an event
//! stream.
//!
//! Malformed or unknown credentials are rejected, never ignored. An expired or invalid token does not fail a request: it
//! runs without a viewer, and `extensions.authentication` of the response says why.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::client::ClientInfo;
use crate::app::App;
use crate::auth::{Requester, TokenError, Viewer, stream_ticket};
use crate::error::{AppError, AppResult, ErrorCode};

/// Token members of `connection_init`, normalised.
const TOKEN_NAMES: [&str; 4] = ["authorization", "token", "accesstoken", "authtoken"];

/// Words in names of credentials; unsupported ones are rejected.
const CREDENTIAL_WORDS: [&str; 8] =
    ["authoriz", "authent", "token", "bearer", "jwt", "credential", "password", "apikey"];

/// Words that exempt a name.
const EXEMPT_WORDS: [&str; 2] = ["csrf", "xsrf"];

/// Credential headers of other servers, normalised and without `x-`. Exact names, as proxies add token headers of their
/// own.
const FOREIGN_HEADERS: [&str; 7] = ["apikey", "auth", "authtoken", "accesstoken", "authorization", "token", "jwt"];

/// An unsupported form of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedCredentials;

impl From<MalformedCredentials> for AppError {
    fn from(MalformedCredentials: MalformedCredentials) -> Self {
        Self::Request(ErrorCode::Unauthenticated, "Send Authorization: Bearer <access token>.".into())
    }
}

/// The bearer token; none if the header is absent or empty.
///
/// # Errors
/// For another scheme, several headers, or a credential in another header.
pub fn of_headers(headers: &HeaderMap) -> Result<Option<&str>, MalformedCredentials> {
    if headers.iter().any(|(name, value)| is_other_credential(name) && !value.is_empty()) {
        return Err(MalformedCredentials);
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(MalformedCredentials);
    }
    let value = HeaderValue::to_str(value).map_err(|_| MalformedCredentials)?;
    if value.is_empty() { Ok(None) } else { bearer(value).map(Some) }
}

fn is_other_credential(header: &HeaderName) -> bool {
    let name = || header.as_str().bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
    let is = |foreign: &&str| name().eq(foreign.bytes()) || name().eq(std::iter::once(b'x').chain(foreign.bytes()));
    *header != AUTHORIZATION && FOREIGN_HEADERS.iter().any(is)
}

/// Lower case, without `-` and `_`.
fn normalise(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase()
}

fn bearer(value: &str) -> Result<&str, MalformedCredentials> {
    let (scheme, token) = value.split_once(' ').ok_or(MalformedCredentials)?;
    let token = token.trim();
    let understood = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(char::is_whitespace);
    understood.then_some(token).ok_or(MalformedCredentials)
}

/// The token in the payload of `connection_init`: `{authorization}`, `{headers: {authorization}}`, `{token}`,
/// `{accessToken}` or `{authToken}` in any case, with or without `Bearer`. Null and blank strings are no token.
///
/// # Errors
/// For an unsupported credential, or two that differ.
pub fn of_payload(payload: &Map<String, Value>) -> Result<Option<&str>, MalformedCredentials> {
    let mut members: Vec<(&String, &Value)> = payload.iter().collect();
    for (_, headers) in payload.iter().filter(|(name, _)| name.eq_ignore_ascii_case("headers")) {
        match headers {
            Value::Null => {}
            Value::Object(headers) => members.extend(headers),
            _ => return Err(MalformedCredentials),
        }
    }
    let mut found: Option<&str> = None;
    for (name, value) in members {
        let name = normalise(name);
        if TOKEN_NAMES.contains(&name.as_str()) {
            let Some(token) = of_value(value)? else { continue };
            if found.replace(token).is_some_and(|other| other != token) {
                return Err(MalformedCredentials);
            }
        } else if is_credential(&name) && !is_blank(value) {
            return Err(MalformedCredentials);
        }
    }
    Ok(found)
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Whether a name means a credential.
pub fn is_credential(name: &str) -> bool {
    let name = normalise(name);
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    (name.ends_with("auth") || has(&CREDENTIAL_WORDS)) && !has(&EXEMPT_WORDS)
}

fn of_value(value: &Value) -> Result<Option<&str>, MalformedCredentials> {
    if is_blank(value) {
        return Ok(None);
    }
    let text = value.as_str().ok_or(MalformedCredentials)?.trim();
    if text.contains(char::is_whitespace) {
        return bearer(text).map(Some);
    }
    if text.eq_ignore_ascii_case("bearer") { Err(MalformedCredentials) } else { Ok(Some(text)) }
}

/// The requester of an HTTP request.
///
/// # Errors
/// Unauthenticated for malformed credentials.
pub fn requester(app: &App, client: &ClientInfo, headers: &HeaderMap) -> AppResult<Requester> {
    Ok(match of_headers(headers)?.map(|token| app.authenticate(token)) {
        None => new_requester(client, None),
        Some(Ok(viewer)) => new_requester(client, Some(viewer)),
        Some(Err(error)) => Requester { token_error: Some(error), ..new_requester(client, None) },
    })
}

/// The requester of an event stream opened by a ticket.
///
/// # Errors
/// Unauthenticated for an invalid ticket: a subscription needs a viewer.
pub fn of_ticket(app: &App, client: &ClientInfo, ticket: &str) -> AppResult<Requester> {
    let rejected = |error: TokenError| {
        let message = match error {
            TokenError::Invalid => "The stream ticket is not valid.".to_owned(),
            TokenError::Expired => "The stream ticket has expired; ask for another with createStreamTicket.".to_owned(),
            TokenError::Ended(_) => error.to_string(),
        };
        AppError::Request(ErrorCode::Unauthenticated, message)
    };
    let viewer = stream_ticket::verify(&app.keys, ticket, app.clock.now()).map_err(rejected)?;
    match app.revoked.find(viewer.session_id) {
        Some(reason) => Err(rejected(TokenError::Ended(reason))),
        None => Ok(new_requester(client, Some(viewer))),
    }
}

/// A requester without a token, or with a valid one.
pub fn new_requester(client: &ClientInfo, viewer: Option<Viewer>) -> Requester {
    Requester { viewer, token_error: None, ip: client.ip, is_local: client.is_local, trace: client.trace.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_usual_shape_of_a_token_is_read() {
        for payload in [
            json!({ "authorization": "Bearer a.b.c" }),
            json!({ "Authorization": "bearer a.b.c" }),
            json!({ "AUTHORIZATION": "a.b.c" }),
            json!({ "headers": { "Authorization": "Bearer a.b.c" } }),
            json!({ "headers": { "authorization": "a.b.c", "x-csrf-token": "x" } }),
            json!({ "token": "a.b.c" }),
            json!({ "accessToken": "Bearer a.b.c" }),
            json!({ "access_token": "a.b.c" }),
            json!({ "authToken": "a.b.c" }),
            json!({ "token": "a.b.c", "authorization": "Bearer a.b.c", "headers": null, "author": "ada" }),
            json!({ "Headers": null, "headers": { "authorization": "Bearer a.b.c" } }),
        ] {
            assert_eq!(of_payload(payload.as_object().unwrap()), Ok(Some("a.b.c")), "{payload}");
        }
        for payload in [
            json!({}),
            json!({ "authorization": null }),
            json!({ "authorization": "" }),
            json!({ "token": " ", "jwt": null }),
            json!({ "headers": {} }),
            json!({ "client": "x", "csrfToken": "x" }),
        ] {
            assert_eq!(of_payload(payload.as_object().unwrap()), Ok(None), "{payload}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for payload in [
            json!({ "authorization": "Basic YWRhOng=" }),
            json!({ "authorization": "Bearer" }),
            json!({ "authorization": "Bearer a b" }),
            json!({ "authorization": 1 }),
            json!({ "token": { "value": "a.b.c" } }),
            json!({ "headers": "Authorization: Bearer a.b.c" }),
            json!({ "headers": { "x-api-key": "x" } }),
            json!({ "jwt": "a.b.c" }),
            json!({ "auth": { "token": "a.b.c" } }),
            json!({ "idToken": "a.b.c" }),
            json!({ "token": "a.b.c", "authorization": "Bearer d.e.f" }),
            json!({ "x-auth": "a.b.c" }),
            json!({ "headers": { "X-Auth": "a.b.c" } }),
            json!({ "Headers": {}, "headers": { "authorization": "Basic YWRhOng=" } }),
            json!({ "HEADERS": { "token": "a.b.c" }, "headers": { "token": "d.e.f" } }),
        ] {
            assert_eq!(of_payload(payload.as_object().unwrap()), Err(MalformedCredentials), "{payload}");
        }
    }
}
