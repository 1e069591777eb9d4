//! The page behind a mailed verification link. GET changes nothing, as mail scanners open links: it shows a form whose
//! POST does what `verifyEmail` does.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::client::ClientInfo;
use crate::auth::Requester;
use crate::domains::accounts::service::contacts;
use crate::error::{AppError, AppResult, UserErrorCode};
use crate::http::endpoint::Endpoint;
use crate::permit::MutationPermit;
use crate::scope::Scope;

/// No scripts, no other origins.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const NO_SNIFFING: (HeaderName, &str) = (HeaderName::from_static("x-content-type-options"), "nosniff");

/// Query parameters of the link.
#[derive(Deserialize)]
pub struct LinkQuery {
    #[serde(default)]
    token: String,
}

/// Answers `GET /verify-email?token=` with a confirmation form.
pub async fn page(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    link: Result<Query<LinkQuery>, QueryRejection>,
) -> Response {
    let (scope, token) = read(&endpoint, client, link);
    match contacts::find_of_link(&scope, &token).await {
        Ok((username, address)) => respond(StatusCode::OK, &form(&escape(&username), &escape(&address))),
        Err(error) => error_page(&error),
    }
}

/// Answers `POST /verify-email?token=` of the form; the body is not read.
pub async fn confirm(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(client): Extension<ClientInfo>,
    link: Result<Query<LinkQuery>, QueryRejection>,
) -> Response {
    let (scope, token) = read(&endpoint, client, link);
    match verify(&endpoint, scope, token).await {
        Ok(()) => respond(StatusCode::OK, &message("邮箱已验证。", "Your e-mail address is verified.")),
        Err(error) => error_page(&error),
    }
}

/// The scope of a request without a viewer, and the link's token.
fn read(endpoint: &Endpoint, client: ClientInfo, link: Result<Query<LinkQuery>, QueryRejection>) -> (Scope, String) {
    let ClientInfo { ip, is_local, trace } = client;
    let requester = Requester { viewer: None, token_error: None, ip, is_local, trace };
    (Scope::new(Arc::clone(&endpoint.app), requester), link.map(|Query(link)| link.token).unwrap_or_default())
}

fn error_page(error: &AppError) -> Response {
    let (status, chinese, english) = match error {
        AppError::User(errors) => match errors.first().map(|error| error.code) {
            Some(UserErrorCode::EmailTaken) => {
                (StatusCode::CONFLICT, "该邮箱已属于其他账号。", "This e-mail address belongs to another account.")
            }
            Some(UserErrorCode::CodeExpired) => {
                (StatusCode::GONE, "链接已过期，请重新获取。", "This link has expired: ask for a new one.")
            }
            _ => (StatusCode::BAD_REQUEST, "链接无效。", "This link is not valid."),
        },
        error => {
            tracing::warn!(cause = %error.describe(), "e-mail verification failed");
            (StatusCode::SERVICE_UNAVAILABLE, "请稍后再试。", "Please try again in a moment.")
        }
    };
    respond(status, &message(chinese, english))
}

fn respond(status: StatusCode, content: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        NO_SNIFFING,
    ];
    (status, headers, html(content)).into_response()
}

/// In its own task under a mutation permit: not cancelled when the browser disconnects.
async fn verify(endpoint: &Endpoint, scope: Scope, token: String) -> AppResult<()> {
    let app = &endpoint.app;
    let permit = MutationPermit::take(&app.mutations)?;
    let task = app.tracker.spawn(async move {
        let _permit = permit;
        contacts::verify_email(&scope, &token).await.map(drop)
    });
    task.await.map_err(AppError::internal)?
}

fn message(chinese: &str, english: &str) -> String {
    format!("<p>{chinese}</p>\n<p lang=\"en\">{english}</p>\n")
}

/// Without `action`: posts to the page's own URL with the token.
fn form(username: &str, address: &str) -> String {
    format!(
        "<p>将邮箱 {address} 用于账号 <b>{username}</b>？如果这不是您的账号，请关闭此页。</p>\n\
         <p lang=\"en\">Use the address {address} for the account <b>{username}</b>? If it is not yours, close this page.</p>\n\
         <form method=\"post\"><button>确认 / Confirm</button></form>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn html(content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Plaza</title>\n\
         <style>body {{ font: 1.125rem/1.6 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem; \
         text-align: center }} p[lang=en] {{ color: #666 }}</style>\n</head>\n<body>\n<h1>Plaza</h1>\n\
         {content}</body>\n</html>\n"
    )
}
