//! The same in a bucket, on a real storage that speaks S3 and checks what is signed.

use std::path::PathBuf;
use std::time::Duration;

use plaza::domains::media::service::{cleanup, uploads};
use serde_json::{Value, json};

use crate::harness::accounts::user_errors;
use crate::harness::bucket::Bucket;
use crate::harness::files::{DecodedPicture, FilePart, file_part, jpeg, path_of, pdf, rgb_png};
use crate::harness::http::{client, send};
use crate::harness::{Person, TestApp, cluster};
use crate::upload_tickets::{complete, ticket};

async fn start() -> (Bucket, TestApp, Person) {
    let bucket = Bucket::start().await;
    let settings = bucket.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = TestApp::on_database(cluster().database().await, &settings).await;
    let ada = app.as_user("ada").await;
    (bucket, app, ada)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_lie_in_the_bucket_and_are_read_through_plaza() {
    let (bucket, app, ada) = start().await;
    let picture = ada.upload_media(file_part("a.jpg", jpeg(900, 600, 8, false))).await;
    assert_eq!(bucket.objects("blobs").len(), 2);
    assert_eq!(app.stored(), Vec::<PathBuf>::new(), "nothing stays here");
    let (status, bytes) = app.fetch(&picture["url"]).await;
    assert_eq!((status, DecodedPicture::of(&bytes).corners()), (200, [1, 3, 0, 2]));
    let text = FilePart { content_type: "text/plain", ..file_part("a.txt", *b"0123456789") };
    let path = path_of(ada.upload_media(text).await["url"].as_str().unwrap());
    let reply = send(app.address, axum::http::Method::GET, &path, &[("range", "bytes=2-4")], "").await;
    assert_eq!((reply.status, reply.text.as_str(), reply.header("content-range")), (206, "234", "bytes 2-4/10"));
    assert_eq!(ada.delete_file(&picture["id"]).await["userErrors"], json!([]));
    app.advance_clock(Duration::from_hours(25));
    assert_eq!(cleanup::delete_unused_blobs(&app.app).await.unwrap(), 2);
    assert_eq!(bucket.objects("blobs").len(), 1);
    assert_eq!(app.fetch(&picture["url"]).await.0, 404);
}

async fn put(url: &Value, content_type: &str, bytes: Vec<u8>) -> u16 {
    let request = client().put(url.as_str().unwrap()).header("content-type", content_type).body(bytes);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_straight_to_the_bucket() {
    let (bucket, app, ada) = start().await;
    let bytes = [jpeg(2000, 1500, 1, false), vec![0; 11 << 20]].concat();
    let ticket = ticket(&ada, "long.jpg", "image/jpeg", bytes.len()).await;
    let url = &ticket["uploadUrl"];
    assert!(url.as_str().unwrap().starts_with(&format!("http://{}/", bucket.address)), "{url}");
    assert_eq!(user_errors(&complete(&ada, &ticket["uploadToken"]).await), ["NOT_FOUND uploadToken"]);
    assert_eq!(put(url, "image/jpeg", bytes).await, 200);
    let file = complete(&ada, &ticket["uploadToken"]).await["media"].clone();
    assert_eq!(file["width"], 2000);
    assert_eq!(DecodedPicture::of(&app.fetch(&file["url"]).await.1).corners(), [0, 1, 2, 3]);
    assert_eq!(complete(&ada, &ticket["uploadToken"]).await["media"], file);
    assert_eq!(bucket.objects("incoming"), Vec::<PathBuf>::new(), "what was sent is gone");
    assert_eq!(bucket.objects("blobs").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_takes_nothing_but_what_was_announced() {
    let (bucket, _app, ada) = start().await;
    let bytes = rgb_png(40, 40);
    let ticket = ticket(&ada, "a.png", "image/png", bytes.len()).await;
    let url = &ticket["uploadUrl"];
    let changed = json!(url.as_str().unwrap().replace("incoming/", "blobs/"));
    assert_eq!(put(url, "text/html", bytes.clone()).await, 403);
    assert_eq!(put(url, "image/png", bytes[1..].to_vec()).await, 403);
    assert_eq!(put(url, "image/png", [bytes.as_slice(), b"x"].concat()).await, 403);
    assert_eq!(put(&changed, "image/png", bytes.clone()).await, 403);
    assert_eq!(bucket.objects(""), Vec::<PathBuf>::new());
    assert_eq!(put(url, "image/png", bytes).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_goes_there_in_parts_and_what_is_no_good_goes() {
    let (bucket, app, ada) = start().await;
    let bytes = pdf(12 << 20, 0);
    let good = ticket(&ada, "long.pdf", "application/pdf", bytes.len()).await;
    assert_eq!(put(&good["uploadUrl"], "application/pdf", bytes.clone()).await, 200);
    let file = complete(&ada, &good["uploadToken"]).await["media"].clone();
    assert!(app.fetch(&file["url"]).await.1 == bytes, "every byte is there");
    let png = rgb_png(40, 40);
    let bad = ticket(&ada, "a.pdf", "application/pdf", png.len()).await;
    assert_eq!(put(&bad["uploadUrl"], "application/pdf", png.clone()).await, 200);
    assert_eq!(user_errors(&complete(&ada, &bad["uploadToken"]).await), ["FILE_TYPE_NOT_ALLOWED uploadToken"]);
    assert_eq!(bucket.objects("incoming"), Vec::<PathBuf>::new());
    let left = ticket(&ada, "b.png", "image/png", png.len()).await;
    assert_eq!(put(&left["uploadUrl"], "image/png", png).await, 200);
    app.advance_clock(Duration::from_mins(91));
    uploads::delete_expired(&app.app).await.unwrap();
    assert_eq!(bucket.objects("incoming"), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_answer_is_our_fault_and_stores_nothing() {
    let (bucket, app, ada) = start().await;
    drop(bucket);
    let document = "mutation ($file: Upload!) { uploadFile(file: $file) { media { id } userErrors { code } } }";
    let answer = ada.send_files(document, &[file_part("a.png", rgb_png(9, 9))]).await;
    assert_eq!(answer.code(), "INTERNAL", "{}", answer.text);
    assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
    assert_eq!(app.query_number("select count(*) from media").await, 0);
}
