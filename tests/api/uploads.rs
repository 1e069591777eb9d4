//! Multipart uploads, on the tests' own schema: every limit, and no body read from an unauthenticated client.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::engine::schema;
use crate::harness::http::{Reply, send};
use crate::harness::{Person, TestApp};

const PREFLIGHT: (&str, &str) = ("graphql-require-preflight", "1");

const ONE: &str = "mutation ($file: Upload!) { upload(file: $file) }";
const ALL: &str = "mutation ($files: [Upload!]!) { uploadAll(files: $files) }";

/// An app and a signed-in user; the tests' schema has no sign-in of its own.
async fn start(settings: &[(&str, &str)]) -> (TestApp, Person) {
    let plaza = TestApp::start().await;
    let ada = plaza.as_user("ada").await;
    let app = TestApp::with_engine(schema().0, settings).await;
    let ada = ada.on_instance(app.address);
    (app, ada)
}

/// One part: its name, a file's name and type, the content.
type Part<'a> = (&'a str, Option<&'a str>, Vec<u8>);

fn body(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: image/png")).unwrap_or_default();
        body.extend_from_slice(
            format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--xx--\r\n");
    body
}

async fn send_parts(person: &Person, headers: &[(&str, &str)], parts: &[Part<'_>]) -> Reply {
    let token = format!("Bearer {}", person.token);
    let mut all = vec![("content-type", "multipart/form-data; boundary=xx"), ("authorization", token.as_str())];
    all.extend_from_slice(headers);
    send(person.address, Method::POST, "/graphql", &all, body(parts)).await
}

fn operations(query: &str, variables: &Value) -> Part<'static> {
    ("operations", None, json!({ "query": query, "variables": variables }).to_string().into_bytes())
}

fn map(map: &Value) -> Part<'static> {
    ("map", None, map.to_string().into_bytes())
}

fn file(name: &str, bytes: usize) -> Part<'_> {
    (name, Some("a.png"), vec![b'x'; bytes])
}

#[tokio::test(flavor = "multi_thread")]
async fn files_arrive_whole() {
    let (_app, ada) = start(&[]).await;
    for preflight in ["graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name"] {
        let parts =
            [operations(ONE, &json!({ "file": null })), map(&json!({ "0": ["variables.file"] })), file("0", 1 << 20)];
        let reply = send_parts(&ada, &[(preflight, "1")], &parts).await;
        assert_eq!(reply.json(), json!({ "data": { "upload": "a.png image/png 1048576" } }));
    }
    let parts = [
        operations(ALL, &json!({ "files": [null, null] })),
        map(&json!({ "b": ["variables.files.1"], "a": ["variables.files.0"] })),
        file("a", 1),
        file("b", 2),
    ];
    let reply = send_parts(&ada, &[PREFLIGHT], &parts).await;
    assert_eq!(reply.json()["data"]["uploadAll"], json!(["a.png image/png 1", "a.png image/png 2"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_need_a_signed_in_user_and_the_preflight_header() {
    let (app, ada) = start(&[]).await;
    let parts = [operations(ONE, &json!({ "file": null })), map(&json!({ "0": ["variables.file"] })), file("0", 1)];
    let reply = send_parts(&ada, &[], &parts).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "CSRF_REFUSED"));
    // Without a token the body is not even read: it never ends here, and the response comes all the same.
    let endless = reqwest::Body::wrap_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let headers = [("content-type", "multipart/form-data; boundary=xx"), PREFLIGHT];
    let reply = send(app.address, Method::POST, "/graphql", &headers, endless).await;
    assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_the_specification_has_it_is_refused() {
    let (_app, ada) = start(&[]).await;
    let null = json!({ "file": null });
    let one = || operations(ONE, &null);
    let place = || map(&json!({ "0": ["variables.file"] }));
    let cases: Vec<(&str, Vec<Part<'_>>)> = vec![
        ("nothing", vec![]),
        ("no operations", vec![place(), file("0", 1)]),
        ("no map", vec![one(), file("0", 1)]),
        ("a map behind the files", vec![one(), file("0", 1), place()]),
        ("no file", vec![one(), place()]),
        ("a file too many", vec![one(), place(), file("0", 1), file("1", 1)]),
        ("a file twice", vec![one(), place(), file("0", 1), file("0", 1)]),
        ("a file in two places", vec![one(), map(&json!({ "0": ["variables.file", "variables.file"] })), file("0", 1)]),
        ("a file in no place", vec![one(), map(&json!({ "0": [] })), file("0", 1)]),
        ("a place that is not there", vec![one(), map(&json!({ "0": ["variables.files.0"] })), file("0", 1)]),
        ("a place outside the variables", vec![one(), map(&json!({ "0": ["query"] })), file("0", 1)]),
        ("a place that is taken", vec![operations(ONE, &json!({ "file": "x" })), place(), file("0", 1)]),
        (
            "two files in one place",
            vec![one(), map(&json!({ "0": ["variables.file"], "1": ["variables.file"] })), file("0", 1), file("1", 1)],
        ),
        ("a map of something else", vec![one(), map(&json!([1])), file("0", 1)]),
        ("a batch", vec![("operations", None, b"[]".to_vec()), place(), file("0", 1)]),
        (
            "a file by another's number",
            vec![
                operations(ALL, &json!({ "files": [null, "#__graphql_file__:0"] })),
                map(&json!({ "0": ["variables.files.0"] })),
                file("0", 1),
            ],
        ),
        (
            "a file in the place of a text",
            vec![
                operations("mutation ($text: String!) { note(text: $text) }", &json!({ "text": null })),
                map(&json!({ "0": ["variables.text"] })),
                file("0", 1),
            ],
        ),
        (
            "a place with two names",
            vec![
                operations(ALL, &json!({ "files": [null] })),
                map(&json!({ "0": ["variables.files.0"], "1": ["variables.files.00"] })),
                file("0", 1),
                file("1", 1),
            ],
        ),
        (
            "a file in a literal",
            vec![
                operations(
                    "mutation ($file: Upload!) { a: upload(file: $file) b: upload(file: \"#__graphql_file__:0\") }",
                    &null,
                ),
                place(),
                file("0", 1),
            ],
        ),
    ];
    for (what, parts) in cases {
        let reply = send_parts(&ada, &[PREFLIGHT], &parts).await;
        let code = reply.code();
        assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&code.as_str()), "{what}: {}", reply.text);
        assert_eq!(reply.json().get("data"), None, "{what}");
    }
    // Numbers of files that never came, by JSON.
    let stolen = ada.run(ONE, json!({ "file": "#__graphql_file__:0" })).await;
    assert_eq!(stolen.code(), "BAD_USER_INPUT");
    // A body that breaks off.
    let token = format!("Bearer {}", ada.token);
    let headers = [("content-type", "multipart/form-data; boundary=xx"), ("authorization", &token), PREFLIGHT];
    let mut half = body(&[one(), place(), file("0", 100)]);
    half.truncate(half.len() - 60);
    let reply = send(ada.address, Method::POST, "/graphql", &headers, half).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_USER_INPUT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_between_parts_is_not_held() {
    let (_app, ada) = start(&[]).await;
    let token = format!("Bearer {}", ada.token);
    let headers = [("content-type", "multipart/form-data; boundary=xx"), ("authorization", &token), PREFLIGHT];
    let good =
        body(&[operations(ONE, &json!({ "file": null })), map(&json!({ "0": ["variables.file"] })), file("0", 9)]);
    let head =
        [b"--xx\r\nContent-Disposition: form-data; name=\"operations\"\r\nX: ".to_vec(), vec![b'y'; 1 << 20]].concat();
    for (what, bytes) in [
        ("before the first part", [vec![b'x'; 1 << 20], good].concat()),
        ("lines before the first part", b"xx\r\n".repeat(1 << 18)),
        ("the head of a part", head),
    ] {
        let reply = send(ada.address, Method::POST, "/graphql", &headers, bytes).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_USER_INPUT"), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_while_it_comes() {
    let (_app, ada) = start(&[("PLAZA_LIMIT_UPLOAD_KB", "3072")]).await;
    let place = || map(&json!({ "0": ["variables.file"] }));
    let one = || operations(ONE, &json!({ "file": null }));
    let many = json!({ "files": vec![Value::Null; 11] });
    let places: serde_json::Map<String, Value> =
        (0..11).map(|n| (n.to_string(), json!([format!("variables.files.{n}")]))).collect();
    let eleven = (0..11).map(|_| file("0", 1));
    let cases: Vec<(&str, Vec<Part<'_>>)> = vec![
        ("a file", vec![one(), place(), file("0", (1 << 20) + 1)]),
        ("the operations", vec![("operations", None, vec![b' '; 70_000]), place(), file("0", 1)]),
        ("the map", vec![one(), ("map", None, vec![b' '; 10_000]), file("0", 1)]),
        (
            "the number of files",
            [operations(ALL, &many), map(&Value::Object(places))].into_iter().chain(eleven).collect(),
        ),
        ("all", vec![one(), place(), file("0", 4 << 20)]),
    ];
    for (what, parts) in cases {
        let reply = send_parts(&ada, &[PREFLIGHT], &parts).await;
        assert_eq!((reply.status, reply.code().as_str()), (413, "PAYLOAD_TOO_LARGE"), "{what}: {}", reply.text);
    }
}
