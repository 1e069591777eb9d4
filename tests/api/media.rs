//! `/media/…`: whole files and parts of them, what caches and browsers are told, and no way to anything else.

use axum::http::Method;

use crate::harness::files::{FilePart, file_part, path_of, pdf, rgb_png};
use crate::harness::http::{Reply, send};
use crate::harness::{Person, TestApp};

async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Reply {
    send(app.address, Method::GET, path, headers, "").await
}

/// An app, a user, and the URL of a text of ten bytes.
async fn start() -> (TestApp, Person, String) {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let text = FilePart { content_type: "text/plain", ..file_part("a.txt", *b"0123456789") };
    let path = path_of(ada.upload_media(text).await["url"].as_str().unwrap());
    (app, ada, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_and_caches_are_told_what_to_do() {
    let (app, ada, text) = start().await;
    let picture = path_of(ada.upload_media(file_part("a.png", rgb_png(9, 9))).await["url"].as_str().unwrap());
    for (path, content_type, disposition) in
        [(&text, "text/plain; charset=utf-8", "attachment"), (&picture, "image/png", "inline")]
    {
        for method in [Method::GET, Method::HEAD] {
            let reply = send(app.address, method.clone(), path, &[], "").await;
            assert_eq!(reply.status, 200, "{path}");
            assert_eq!(reply.header("content-type"), content_type);
            assert_eq!(reply.header("content-disposition"), disposition);
            assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(reply.header("x-content-type-options"), "nosniff");
            assert!(reply.header("content-security-policy").contains("sandbox"), "{:?}", reply.headers);
            assert!(reply.header("content-security-policy").contains("default-src 'none'"), "{:?}", reply.headers);
            assert_eq!(reply.header("access-control-allow-origin"), "*");
            assert_eq!(reply.header("accept-ranges"), "bytes");
            assert_ne!(reply.header("content-length"), "0", "{method}");
            assert_eq!(reply.text.is_empty(), method == Method::HEAD);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_file_is_given_on_its_own() {
    let (app, _, path) = start().await;
    let tag = get(&app, &path, &[]).await.header("etag").to_owned();
    let cases = [
        ("bytes=0-0", 206, "0", "bytes 0-0/10"),
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-3", 206, "789", "bytes 7-9/10"),
        ("bytes=0-99", 206, "0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=-99", 206, "0123456789", "bytes 0-9/10"),
        // What is not understood, and several parts at once: the whole.
        ("bytes=0-1,4-5", 200, "0123456789", ""),
        ("bytes=0-5,2-8", 200, "0123456789", ""),
        ("bytes=-0", 200, "0123456789", ""),
        ("bytes=5-2", 200, "0123456789", ""),
        ("lines=1-2", 200, "0123456789", ""),
        ("bytes=x", 200, "0123456789", ""),
    ];
    for (range, status, body, content_range) in cases {
        let reply = get(&app, &path, &[("range", range)]).await;
        assert_eq!((reply.status, reply.text.as_str()), (status, body), "{range}");
        assert_eq!(reply.header("content-range"), content_range, "{range}");
    }
    for (if_range, status) in [(tag.as_str(), 206), ("\"another\"", 200)] {
        let reply = get(&app, &path, &[("range", "bytes=1-2"), ("if-range", if_range)]).await;
        assert_eq!(reply.status, status, "{if_range}");
    }
    for known in [tag.as_str(), &format!("W/{tag}"), &format!("\"another\", {tag}"), "*"] {
        let reply = get(&app, &path, &[("if-none-match", known)]).await;
        assert_eq!((reply.status, reply.text.as_str()), (304, ""), "{known}");
        assert_eq!(reply.header("etag"), tag);
    }
    assert_eq!(get(&app, &path, &[("if-none-match", "\"another\"")]).await.status, 200);
    let gone = path.replace(char::is_numeric, "0");
    assert_eq!(get(&app, &gone, &[("if-none-match", "*")]).await.status, 404);
    let whole = send(app.address, Method::HEAD, &path, &[("range", "bytes=1-2")], "").await;
    assert_eq!((whole.status, whole.header("content-length")), (200, "10"), "parts are for GET");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_anywhere_else() {
    let (app, _, path) = start().await;
    let name = path.trim_start_matches("/media/");
    std::fs::write(app.app.config.data_dir.join("media/secret.txt"), "secret").unwrap();
    let (hash, _) = name.split_once('.').unwrap();
    let odd = [
        format!("/media/{hash}"),
        format!("/media/{hash}.png"),
        format!("/media/{hash}.exe"),
        format!("/media/{}.txt", hash.to_uppercase()),
        format!("/media/{}.txt", &hash[1..]),
        format!("/media/blobs/{}/{name}", &hash[..2]),
        format!("/media/%2e%2e%2fblobs%2f{}%2f{name}", &hash[..2]),
        "/media/secret.txt".into(),
        "/media/..%2fmedia%2fsecret.txt".into(),
        "/media/%2e%2e/%2e%2e/jwt-secret".into(),
        "/media/..%5c..%5cjwt-secret".into(),
        "/media/".into(),
        "/media/%00.txt".into(),
        "/media/uploads/".into(),
        "/media/uploads/..%2f..%2fsecret".into(),
    ];
    for path in odd {
        let reply = get(&app, &path, &[]).await;
        assert_eq!(reply.status, 404, "{path}: {}", reply.text);
        assert!(!reply.text.contains("secret") && !reply.text.contains("0123"), "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        assert_eq!(send(app.address, method, &path, &[], "x").await.status, 405);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_saved_under_its_name() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let text = |name| FilePart { content_type: "text/plain", ..file_part(name, *b"0123456789") };
    let cases = [
        (
            FilePart { content_type: "text/csv", ..file_part("报价 单.csv", *b"a,b") },
            "attachment; filename=\"__ _.csv\"; filename*=UTF-8''%E6%8A%A5%E4%BB%B7%20%E5%8D%95.csv",
        ),
        (
            file_part("Q1 & Q2.pdf", pdf(99, 0)),
            "attachment; filename=\"Q1 & Q2.pdf\"; filename*=UTF-8''Q1%20%26%20Q2.pdf",
        ),
        (text("notes.txt"), "attachment; filename=\"notes.txt\"; filename*=UTF-8''notes.txt"),
        // The same bytes have another name elsewhere, and none that opens a program.
        (text("run.bat"), "attachment; filename=\"run.bat.txt\"; filename*=UTF-8''run.bat.txt"),
        (file_part("a.png", rgb_png(9, 9)), "inline"),
    ];
    for (sent, disposition) in cases {
        let file = ada.upload_media(sent).await;
        let url: reqwest::Url = file["url"].as_str().unwrap().parse().unwrap();
        let path = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        for range in [None, Some(("range", "bytes=0-1"))] {
            let reply = get(&app, &path, range.as_slice()).await;
            assert_eq!(
                (reply.status, reply.header("content-disposition")),
                (if range.is_some() { 206 } else { 200 }, disposition)
            );
        }
    }
    // Whatever stands in the address, the header stays one header, and the name one of its kind.
    let file = ada.upload_media(text("a.txt")).await;
    let path = path_of(file["url"].as_str().unwrap());
    for (query, disposition) in [
        ("", "attachment"),
        (
            "?name=a%0d%0aX-Y:%20z%22.exe",
            "attachment; filename=\"aX-Y: z_.exe.txt\"; filename*=UTF-8''aX-Y%3A%20z%22.exe.txt",
        ),
        ("?name=..%2f..%2fb", "attachment; filename=\"b.txt\"; filename*=UTF-8''b.txt"),
    ] {
        let reply = get(&app, &format!("{path}{query}"), &[]).await;
        assert_eq!((reply.status, reply.header("content-disposition")), (200, disposition), "{query}");
        assert_eq!(reply.header("x-y"), "");
    }
}
