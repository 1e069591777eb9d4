//! Files that are sent straight to the storage, where that is a folder: what the address takes, what the token is good
//! for, and that one upload makes one file.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use plaza::domains::media::service::uploads;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::accounts::{codes, user_errors};
use crate::harness::files::{DecodedPicture, FILE, file_part, jpeg, path_of, rgb_png};
use crate::harness::http::{Reply, send};
use crate::harness::{Person, TestApp, until};

pub const TICKET: &str = "mutation ($input: UploadTicketInput!) { createUploadTicket(input: $input) {
    ticket { uploadUrl uploadToken accessDomain headers fileUrl expiresAt } userErrors { code field message } } }";

pub fn input(name: &str, content_type: &str, size: usize) -> Value {
    json!({ "input": { "fileName": name, "contentType": content_type, "sizeBytes": size } })
}

/// A ticket that is given.
pub async fn ticket(person: &Person, name: &str, content_type: &str, size: usize) -> Value {
    let payload = person.data(TICKET, input(name, content_type, size)).await["createUploadTicket"].clone();
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["ticket"].clone()
}

/// Completes an upload and returns the payload.
pub async fn complete(person: &Person, token: &Value) -> Value {
    let document = format!(
        "mutation ($token: String!) {{ completeUpload(uploadToken: $token) {{ media {FILE} userErrors {{ code field message }} }} }}"
    );
    person.data(&document, json!({ "token": token })).await["completeUpload"].clone()
}

/// Sends bytes to an upload's address, on this very instance.
pub async fn put(app: &TestApp, url: &Value, content_type: &str, body: impl Into<reqwest::Body>) -> Reply {
    let url: reqwest::Url = url.as_str().unwrap().parse().unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    send(app.address, Method::PUT, &path, &[("content-type", content_type)], body).await
}

async fn start() -> (TestApp, Person) {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    (app, ada)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_announced_sent_and_completed() {
    let (app, ada) = start().await;
    // Larger than any multipart request may be.
    let bytes = [jpeg(2000, 1500, 6, false), vec![0; 12 << 20]].concat();
    let ticket = ticket(&ada, "long.jpg", "image/jpg", bytes.len()).await;
    assert_eq!(ticket["headers"], json!({ "Content-Type": "image/jpeg" }));
    assert_eq!(ticket["accessDomain"], json!(app.app.config.public_url));
    let follow = async || app.fetch(&ticket["fileUrl"]).await.0;
    assert_eq!(follow().await, 404);
    assert_eq!(codes(&complete(&ada, &ticket["uploadToken"]).await), ["NOT_FOUND"]);
    let reply = put(&app, &ticket["uploadUrl"], "image/jpeg", bytes).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    assert_eq!(app.query_number("select count(*) from media").await, 0, "only completeUpload makes a file");
    let done = complete(&ada, &ticket["uploadToken"]).await;
    let file = &done["media"];
    assert_eq!((&file["width"], &file["height"], &file["fileName"]), (&json!(1500), &json!(2000), &json!("long.jpg")));
    let (_, stored) = app.fetch(&file["url"]).await;
    assert_eq!(DecodedPicture::of(&stored).corners(), [2, 0, 3, 1]);
    assert!(stored.len() < 1 << 20, "what was behind it is gone");
    // Again, and twenty times at once: the same file.
    let again = join_all((0..20).map(|_| complete(&ada, &ticket["uploadToken"]))).await;
    assert!(again.iter().all(|payload| payload["media"] == *file), "{again:?}");
    assert_eq!(app.query_number("select count(*) from media").await, 1);
    assert_eq!(app.query_number("select bytes from file_usage").await, file["sizeBytes"].as_i64().unwrap());
    let again = put(&app, &ticket["uploadUrl"], "image/jpeg", vec![0; 100]).await;
    assert_eq!(again.status, 403, "nothing more is taken there");
    assert_eq!(app.stored().len(), 2, "the file and its thumbnail");
    let path = path_of(ticket["fileUrl"].as_str().unwrap());
    let reply = send(app.address, Method::GET, &path, &[], "").await;
    assert_eq!((reply.status, json!(reply.header("location"))), (302, file["url"].clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn completing_at_once_makes_one_file() {
    let (app, ada) = start().await;
    let bytes = jpeg(900, 700, 1, false);
    let ticket = ticket(&ada, "a.jpg", "image/jpeg", bytes.len()).await;
    assert_eq!(put(&app, &ticket["uploadUrl"], "image/jpeg", bytes).await.status, 204);
    let all = join_all((0..12).map(|_| complete(&ada, &ticket["uploadToken"]))).await;
    let first = &all[0]["media"];
    assert!(!first.is_null() && all.iter().all(|payload| payload["media"] == *first), "{all:?}");
    assert_eq!(app.query_number("select count(*) from media").await, 1);
    assert_eq!(app.query_number("select sum(uses) from blobs").await, 2);
    assert_eq!(app.query_number("select files::bigint from file_usage").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_what_was_announced_is_taken() {
    let (app, ada) = start().await;
    for (content_type, size, fault) in [
        ("image/svg+xml", 10, "FILE_TYPE_NOT_ALLOWED input.contentType"),
        ("application/x-msdownload", 10, "FILE_TYPE_NOT_ALLOWED input.contentType"),
        ("", 10, "FILE_TYPE_NOT_ALLOWED input.contentType"),
        ("video/mp4", 0, "FILE_TOO_LARGE input.sizeBytes"),
        ("video/mp4", (20 << 20) + 1, "FILE_TOO_LARGE input.sizeBytes"),
    ] {
        let payload = ada.data(TICKET, input("a", content_type, size)).await["createUploadTicket"].clone();
        assert_eq!(
            (user_errors(&payload), &payload["ticket"]),
            (vec![fault.to_owned()], &Value::Null),
            "{content_type}"
        );
    }
    let ticket = ticket(&ada, "a.png", "image/png", 1000).await;
    let url = &ticket["uploadUrl"];
    let endless =
        reqwest::Body::wrap_stream(futures_util::stream::iter((0..9).map(|_| Ok::<_, std::io::Error>(vec![0; 500]))));
    let cases: Vec<(&str, Value, &str, reqwest::Body, u16)> = vec![
        ("more", url.clone(), "image/png", vec![0; 1001].into(), 413),
        ("less", url.clone(), "image/png", vec![0; 999].into(), 400),
        ("no length", url.clone(), "image/png", endless, 400),
        ("another type", url.clone(), "text/html", vec![0; 1000].into(), 415),
        ("no token", json!(url.as_str().unwrap().split('?').next()), "image/png", vec![0; 1000].into(), 403),
    ];
    for (what, url, content_type, body, status) in cases {
        let reply = put(&app, &url, content_type, body).await;
        assert_eq!(reply.status, status, "{what}: {}", reply.text);
        assert_eq!(reply.json().get("data"), None);
    }
    assert_eq!(app.stored(), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_its_upload_its_owner_and_its_hour() {
    let (app, ada) = start().await;
    let bo = app.as_user("bo").await;
    let bytes = rgb_png(40, 40);
    let (one, other) =
        (ticket(&ada, "a.png", "image/png", bytes.len()).await, ticket(&ada, "b.png", "image/png", bytes.len()).await);
    let url = one["uploadUrl"].as_str().unwrap();
    let (address, token) = url.split_once("?token=").unwrap();
    // The address with another's token, or one that was changed anywhere.
    let (_, foreign) = other["uploadUrl"].as_str().unwrap().split_once("?token=").unwrap();
    let mut wrong =
        vec![foreign.to_owned(), one["uploadToken"].as_str().unwrap().to_owned(), ada.token.clone(), String::new()];
    let places = (0..token.len()).step_by(token.len() / 23);
    wrong.extend(places.map(|at| {
        let changed = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{changed}{}", &token[..at], &token[at + 1..])
    }));
    for token in wrong {
        let reply = put(&app, &json!(format!("{address}?token={token}")), "image/png", bytes.clone()).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "FORBIDDEN"), "{token}");
    }
    for path in ["/media/uploads/..%2f..%2fescaped", "/media/uploads/other"] {
        let reply = send(
            app.address,
            Method::PUT,
            &format!("{path}?token={token}"),
            &[("content-type", "image/png")],
            bytes.clone(),
        )
        .await;
        assert_eq!(reply.status, 403, "{path}");
    }
    assert_eq!(app.stored(), Vec::<PathBuf>::new());
    assert_eq!(put(&app, &one["uploadUrl"], "image/png", bytes.clone()).await.status, 204);
    // No other user completes it, and no other token does.
    assert_eq!(user_errors(&complete(&bo, &one["uploadToken"]).await), ["CODE_INVALID uploadToken"]);
    for token in [json!(token), json!("x"), json!(ada.token)] {
        assert_eq!(user_errors(&complete(&ada, &token).await), ["CODE_INVALID uploadToken"]);
    }
    // After an hour nothing is taken; what was sent before may be completed a while longer.
    app.advance_clock(Duration::from_mins(61));
    assert_eq!(put(&app, &other["uploadUrl"], "image/png", bytes.clone()).await.status, 403);
    let ada = Person { token: refreshed(&app, &ada).await, ..ada };
    assert_eq!(complete(&ada, &one["uploadToken"]).await["userErrors"], json!([]));
    app.advance_clock(Duration::from_mins(15));
    let ada = Person { token: refreshed(&app, &ada).await, ..ada };
    assert_eq!(user_errors(&complete(&ada, &other["uploadToken"]).await), ["CODE_EXPIRED uploadToken"]);
}

/// A fresh access token for the same session.
async fn refreshed(app: &TestApp, person: &Person) -> String {
    let (viewer, now) = (person.key(), app.app.clock.now());
    let session: i64 = app.query_number(&format!("select max(id) from sessions where user_id = {viewer}")).await;
    app.app.tokens.issue(plaza::ids::UserId(viewer), plaza::ids::SessionId(session), now).unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_looked_at_and_refused_for_good() {
    let (app, ada) = start().await;
    let png = rgb_png(40, 40);
    let cases: [(&str, Vec<u8>, &str); 4] = [
        // The storage can't tell what the bytes are.
        ("image/jpeg", png.clone(), "FILE_TYPE_NOT_ALLOWED uploadToken"),
        ("video/mp4", b"<script>alert(1)</script>".to_vec(), "FILE_TYPE_NOT_ALLOWED uploadToken"),
        ("image/png", png[..png.len() / 2].to_vec(), "INVALID_INPUT uploadToken"),
        ("text/plain", b"a\0b".to_vec(), "FILE_TYPE_NOT_ALLOWED uploadToken"),
    ];
    for (content_type, bytes, fault) in cases {
        let size = bytes.len();
        let ticket = ticket(&ada, "a", content_type, size).await;
        assert_eq!(put(&app, &ticket["uploadUrl"], content_type, bytes).await.status, 204);
        assert_eq!(user_errors(&complete(&ada, &ticket["uploadToken"]).await), [fault]);
        assert_eq!(user_errors(&complete(&ada, &ticket["uploadToken"]).await), ["CODE_INVALID uploadToken"]);
        let again = put(&app, &ticket["uploadUrl"], content_type, vec![0; size]).await;
        assert_eq!(again.status, 403, "nothing more is taken there");
    }
    assert_eq!(app.stored(), Vec::<PathBuf>::new());
    assert_eq!(app.query_number("select bytes + files from file_usage").await, 0, "its room is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_waits_for_room() {
    let app = TestApp::with(&[("PLAZA_UPLOAD_QUOTA_MB", "1")]).await;
    let ada = app.as_user("ada").await;
    let bytes = jpeg(900, 700, 1, false);
    let ticket = ticket(&ada, "a.jpg", "image/jpeg", bytes.len()).await;
    assert_eq!(put(&app, &ticket["uploadUrl"], "image/jpeg", bytes).await.status, 204);
    let full = "update file_usage set bytes = bytes + (1 << 20)";
    app.sql().await.batch_execute(full).await.unwrap();
    assert_eq!(user_errors(&complete(&ada, &ticket["uploadToken"]).await), ["TOO_MANY_FILES uploadToken"]);
    let free = "update file_usage set bytes = bytes - (1 << 20)";
    app.sql().await.batch_execute(free).await.unwrap();
    assert_eq!(complete(&ada, &ticket["uploadToken"]).await["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_keep_no_other_upload_out() {
    let app = TestApp::with(&[("PLAZA_LIMIT_UPLOADS", "4")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let ticket = ticket(&ada, "a.png", "image/png", 1000).await;
    let url: reqwest::Url = ticket["uploadUrl"].as_str().unwrap().parse().unwrap();
    let target = format!("{}?{}", url.path(), url.query().unwrap());
    let mut slow = TcpStream::connect(app.address).await.unwrap();
    let head = format!("PUT {target} HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\nx");
    slow.write_all(head.as_bytes()).await.unwrap();
    until("it is being received", || async { !app.stored().is_empty() }).await;
    // She has a place of four; his is free.
    bo.upload_media(file_part("b.png", rgb_png(9, 9))).await;
    let document = "mutation ($file: Upload!) { uploadFile(file: $file) { media { id } userErrors { code } } }";
    let refused = ada.send_files(document, &[file_part("a.png", rgb_png(9, 9))]).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "OVERLOADED"));
    drop(slow);
    ada.upload_media(file_part("a.png", rgb_png(9, 9))).await;
    until("nothing is left of what broke off", || async { app.stored().len() == 1 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_left_half_written_is_swept() {
    let (app, ada) = start().await;
    ada.upload_media(file_part("b.png", rgb_png(9, 9))).await;
    let folder = app.app.config.data_dir.join("media/incoming");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, days) in [("old#1", 2), ("new#1", 0), ("old", 2)] {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - Duration::from_hours(24 * days)).unwrap();
    }
    assert_eq!(app.app.storage.delete_partial_uploads().await.unwrap(), 1);
    assert!(!folder.join("old#1").exists() && app.stored().len() == 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_completed_is_swept() {
    let (app, ada) = start().await;
    let bytes = rgb_png(40, 40);
    let sent = ticket(&ada, "a.png", "image/png", bytes.len()).await;
    ticket(&ada, "b.png", "image/png", 1000).await;
    let done = ticket(&ada, "c.png", "image/png", bytes.len()).await;
    for ticket in [&sent, &done] {
        assert_eq!(put(&app, &ticket["uploadUrl"], "image/png", bytes.clone()).await.status, 204);
    }
    let file = complete(&ada, &done["uploadToken"]).await["media"].clone();
    assert_eq!(uploads::delete_expired(&app.app).await.unwrap(), 0, "its hour is not over");
    app.advance_clock(Duration::from_mins(91));
    assert_eq!(uploads::delete_expired(&app.app).await.unwrap(), 3);
    assert_eq!(app.stored().len(), 1, "the file that was completed");
    assert_eq!(app.query_number("select files::bigint from file_usage").await, 1);
    assert_eq!(app.query_number("select bytes from file_usage").await, file["sizeBytes"].as_i64().unwrap());
    assert_eq!(app.query_number("select count(*) from uploads").await, 1, "its address is still good");
}

/// Who was suspended sends nothing any more, though the ticket's own hour is not over; once it is lifted, they do.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_holder_of_a_ticket_sends_nothing() {
    let (app, ada) = start().await;
    let root = app.as_role("root", "ADMIN").await;
    let ticket = ticket(&ada, "a.txt", "text/plain", 3).await;
    let suspend = "mutation ($id: ID!) { suspendUser(id: $id) { userErrors { code } } }";
    assert_eq!(codes(&root.payload(suspend, json!({ "id": ada.id })).await), [""; 0]);
    let refused = put(&app, &ticket["uploadUrl"], "text/plain", "abc").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "FORBIDDEN"));
    let lift = "mutation ($id: ID!) { unsuspendUser(id: $id) { userErrors { code } } }";
    assert_eq!(codes(&root.payload(lift, json!({ "id": ada.id })).await), [""; 0]);
    assert_eq!(put(&app, &ticket["uploadUrl"], "text/plain", "abc").await.status, 204);
}
