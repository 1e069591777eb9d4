//! Documents by their names: automatic persisted queries, and trusted documents.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::documents::{bomb, many};
use crate::harness::process::output;
use crate::harness::{Answer, Socket, TestApp, cluster, http};

async fn ask(app: &TestApp, body: Value) -> Answer {
    let reply = http::send(app.address, axum::http::Method::POST, "/graphql", &[http::JSON], body.to_string()).await;
    Answer { status: reply.status, body: reply.json() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_stands_for_a_document_that_was_seen() {
    let app = TestApp::start().await;
    let query = "query ($n: Int!) { userByAccountNumber(accountNumber: $n) { id } }";
    let digest = Sha256::digest(query);
    let hash = many(digest.len(), |n| format!("{:02x}", digest[n]));
    let persisted = |hash: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let variables = json!({ "n": 1 });
    let unknown = ask(&app, json!({ "extensions": persisted(&hash), "variables": variables })).await;
    assert_eq!((unknown.status, unknown.code()), (200, "PERSISTED_QUERY_NOT_FOUND"));
    assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    let lied = ask(&app, json!({ "query": "{ __typename }", "extensions": persisted(&hash) })).await;
    assert_eq!(lied.code(), "BAD_USER_INPUT");
    ask(&app, json!({ "query": query, "extensions": persisted(&hash), "variables": variables })).await.data();
    ask(&app, json!({ "extensions": persisted(&hash), "variables": variables })).await.data();
    // By GET, and on a socket.
    let path = format!(
        "/graphql?variables=%7B%22n%22:1%7D&extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22{hash}%22%7D%7D"
    );
    let reply = http::send(app.address, axum::http::Method::GET, &path, &[], "").await;
    assert_eq!(reply.json(), json!({ "data": { "userByAccountNumber": null } }));
    let mut socket = Socket::open(app.address, Value::Null).await;
    let payload = json!({ "extensions": persisted(&hash), "variables": variables });
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    assert_eq!(socket.next().await, json!({ "userByAccountNumber": null }));
    for hash in ["", "zz", &"g".repeat(64), &hash[..63]] {
        assert_eq!(ask(&app, json!({ "extensions": persisted(hash) })).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    }
    let id = ask(&app, json!({ "documentId": "x" })).await;
    assert_eq!(id.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_manifest_nothing_else_runs() {
    let manifest = cluster().folder("trusted.json");
    let text = json!({ "who": "query ($n: Int!) { userByAccountNumber(accountNumber: $n) { id } }",
        "live": "subscription { events { cursor } }" });
    std::fs::write(&manifest, text.to_string()).unwrap();
    let app = TestApp::with(&[("PLAZA_TRUSTED_DOCUMENTS", manifest.to_str().unwrap())]).await;
    let trusted = ask(&app, json!({ "documentId": "who", "variables": { "n": 1 } })).await;
    assert_eq!(trusted.data(), &json!({ "userByAccountNumber": null }));
    let path = "/graphql?documentId=who&variables=%7B%22n%22:1%7D";
    let reply = http::send(app.address, axum::http::Method::GET, path, &[], "").await;
    assert_eq!(reply.json(), json!({ "data": { "userByAccountNumber": null } }));
    let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": "0".repeat(64) } });
    for body in [
        json!({ "query": "{ __typename }" }),
        json!({ "query": text["who"], "variables": { "n": 1 } }),
        json!({ "documentId": "other" }),
        json!({ "query": "{", "documentId": "other" }),
        json!({ "extensions": hash }),
    ] {
        assert_eq!(ask(&app, body.clone()).await.code(), "DOCUMENT_NOT_TRUSTED", "{body}");
    }
    let mut socket = Socket::open(app.address, Value::Null).await;
    socket.subscribe("{ __typename }", json!({})).await;
    assert_eq!(socket.receive().await["payload"][0]["extensions"]["code"], "DOCUMENT_NOT_TRUSTED");
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "documentId": "live" } })).await;
    assert_eq!(socket.receive().await["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");

    // A manifest that could not be served says so at the start.
    let url = cluster().database().await;
    for (text, expected) in [
        ("[]", "no JSON object"),
        (r#"{"a": "{"}"#, "the document \"a\""),
        (&json!({ "a": bomb(24) }).to_string(), "QUERY_TOO_EXPENSIVE"),
    ] {
        std::fs::write(&manifest, text).unwrap();
        let settings = [
            ("DATABASE_URL", url.as_str()),
            ("PLAZA_JWT_SECRET", "a secret of the tests, long enough"),
            ("PLAZA_BIND", "127.0.0.1:0"),
            ("PLAZA_TRUSTED_DOCUMENTS", manifest.to_str().unwrap()),
        ];
        let refused = output(&[], &settings).await;
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && text.contains(expected), "{text}");
    }
}
