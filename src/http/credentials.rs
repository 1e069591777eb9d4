//! Who asks: the access token of a request, of a socket's handshake or first message, or the ticket of an event stream.
//!
//! Credentials that are not understood are refused, never ignored. A token that is understood but is over, or was never
//! good, does not stop a request: it runs without a viewer, and its answer says why in `extensions.authentication`.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::gate::Caller;
use crate::app::App;
use crate::auth::{Requester, TokenError, Viewer, stream_ticket};
use crate::error::{AppError, AppResult, ErrorCode};

/// Names that a socket's client gives its token, in lower case and without `-` and `_`.
const TOKEN_NAMES: [&str; 4] = ["authorization", "token", "accesstoken", "authtoken"];

/// What a name holds that means a credential. One that Plaza does not know is refused rather than ignored.
const CREDENTIAL_WORDS: [&str; 8] =
    ["authoriz", "authent", "token", "bearer", "jwt", "credential", "password", "apikey"];

/// Names with such a word that mean something else.
const OTHER_WORDS: [&str; 2] = ["csrf", "xsrf"];

/// Headers, without `x-`, `-` and `_`, in which clients of other servers send their credentials. No words here: proxies add
/// headers of their own with tokens that are none of Plaza's.
const OTHER_HEADERS: [&str; 7] = ["apikey", "auth", "authtoken", "accesstoken", "authorization", "token", "jwt"];

/// A credential in a form that Plaza does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUnderstood;

impl From<NotUnderstood> for AppError {
    fn from(NotUnderstood: NotUnderstood) -> Self {
        Self::Request(ErrorCode::Unauthenticated, "Send Authorization: Bearer <access token>.".into())
    }
}

/// The token in the `Authorization` header; none without the header, or with an empty one.
///
/// # Errors
/// When the header is not of the bearer kind, there are several, or another header holds a credential.
pub fn of_headers(headers: &HeaderMap) -> Result<Option<&str>, NotUnderstood> {
    if headers.iter().any(|(name, value)| is_other_credential(name) && !value.is_empty()) {
        return Err(NotUnderstood);
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(NotUnderstood);
    }
    let value = HeaderValue::to_str(value).map_err(|_| NotUnderstood)?;
    if value.is_empty() { Ok(None) } else { bearer(value).map(Some) }
}

fn is_other_credential(name: &HeaderName) -> bool {
    let plain = plain(name.as_str());
    *name != AUTHORIZATION && OTHER_HEADERS.contains(&plain.strip_prefix('x').unwrap_or(&plain))
}

/// A name in lower case, without `-` and `_`.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase()
}

fn bearer(value: &str) -> Result<&str, NotUnderstood> {
    let (scheme, token) = value.split_once(' ').ok_or(NotUnderstood)?;
    let token = token.trim();
    let understood = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(char::is_whitespace);
    understood.then_some(token).ok_or(NotUnderstood)
}

/// The token in the payload of `connection_init`: `{authorization}`, `{headers: {authorization}}`, `{token}`,
/// `{accessToken}` or `{authToken}` in any case, with or without `Bearer`. Null and empty texts are no token.
///
/// # Errors
/// When something looks like a credential and is none of these, or two of them differ.
pub fn of_payload(payload: &Map<String, Value>) -> Result<Option<&str>, NotUnderstood> {
    let mut members: Vec<(&String, &Value)> = payload.iter().collect();
    for (_, headers) in payload.iter().filter(|(name, _)| name.eq_ignore_ascii_case("headers")) {
        match headers {
            Value::Null => {}
            Value::Object(headers) => members.extend(headers),
            _ => return Err(NotUnderstood),
        }
    }
    let mut found: Option<&str> = None;
    for (name, value) in members {
        let name = plain(name);
        if TOKEN_NAMES.contains(&name.as_str()) {
            let Some(token) = of_value(value)? else { continue };
            if found.replace(token).is_some_and(|other| other != token) {
                return Err(NotUnderstood);
            }
        } else if is_credential(&name) && !is_nothing(value) {
            return Err(NotUnderstood);
        }
    }
    Ok(found)
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Whether a name means a credential.
pub fn is_credential(name: &str) -> bool {
    let name = plain(name);
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    (name.ends_with("auth") || has(&CREDENTIAL_WORDS)) && !has(&OTHER_WORDS)
}

fn of_value(value: &Value) -> Result<Option<&str>, NotUnderstood> {
    if is_nothing(value) {
        return Ok(None);
    }
    let text = value.as_str().ok_or(NotUnderstood)?.trim();
    if text.contains(char::is_whitespace) {
        return bearer(text).map(Some);
    }
    if text.eq_ignore_ascii_case("bearer") { Err(NotUnderstood) } else { Ok(Some(text)) }
}

/// The requester of an HTTP request.
///
/// # Errors
/// Unauthenticated when the credentials are not understood.
pub fn requester(app: &App, caller: &Caller, headers: &HeaderMap) -> AppResult<Requester> {
    Ok(match of_headers(headers)?.map(|token| app.authenticate(token)) {
        None => known(caller, None),
        Some(Ok(viewer)) => known(caller, Some(viewer)),
        Some(Err(error)) => Requester { token_error: Some(error), ..known(caller, None) },
    })
}

/// The requester of an event stream that a ticket opens.
///
/// # Errors
/// Unauthenticated when the ticket is not good: a subscription of private events has nothing to say without a viewer.
pub fn of_ticket(app: &App, caller: &Caller, ticket: &str) -> AppResult<Requester> {
    let refused = |error: TokenError| {
        let message = match error {
            TokenError::Invalid => "The stream ticket is not valid.".to_owned(),
            TokenError::Expired => "The stream ticket has expired; ask for another with createStreamTicket.".to_owned(),
            TokenError::Ended(_) => error.to_string(),
        };
        AppError::Request(ErrorCode::Unauthenticated, message)
    };
    let viewer = stream_ticket::verify(&app.keys, ticket, app.clock.now()).map_err(refused)?;
    match app.revoked.find(viewer.session_id) {
        Some(reason) => Err(refused(TokenError::Ended(reason))),
        None => Ok(known(caller, Some(viewer))),
    }
}

/// A requester whose token, if any, is good.
pub fn known(caller: &Caller, viewer: Option<Viewer>) -> Requester {
    Requester { viewer, token_error: None, ip: caller.ip, is_local: caller.is_local, trace: caller.trace.clone() }
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
            assert_eq!(of_payload(payload.as_object().unwrap()), Err(NotUnderstood), "{payload}");
        }
    }
}
