//! Documents before they run: limits and what a refusal says, the cache, persisted queries, trusted documents.

use async_graphql::Variables;
use plaza::config::Config;
use plaza::graphql::document::{Asked, Documents, Refused};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::engine::schema;
use crate::harness::process::output;
use crate::harness::{Answer, Socket, TestApp, cluster, http, post};

/// The message that refuses a document, or nothing.
fn refusal(settings: &[(&str, &str)], document: &str, variables: Value) -> Option<String> {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::parse(settings).unwrap();
    let documents = Documents::open(&schema().0.sdl(), &config).unwrap();
    let variables = Some(Variables::from_json(variables));
    let asked = Asked { query: Some(document.to_owned()), variables, ..Asked::default() };
    match documents.find(&asked) {
        Ok(_) => None,
        Err(Refused::Unparsed(error)) => panic!("{document}: {}", error.message),
        Err(Refused::Other(error)) => Some(error.describe()),
    }
}

/// Fragments each of which spreads the next one twice.
pub fn bomb(levels: usize) -> String {
    let fragments: Vec<String> =
        (0..levels).map(|n| format!("fragment F{n} on Query {{ ...F{} ...F{} }}", n + 1, n + 1)).collect();
    format!("{{ ...F0 }} {} fragment F{levels} on Query {{ __typename }}", fragments.join(" "))
}

/// So many pieces of text, each with its number.
pub fn many(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect::<Vec<_>>().concat()
}

/// Something nested so many times.
pub fn nested(levels: usize, before: &str, inside: &str, after: &str) -> String {
    format!("{}{inside}{}", before.repeat(levels), after.repeat(levels))
}

#[test]
fn every_limit_is_kept_and_named_with_its_value() {
    let fields = |count: usize| many(count, |n| format!(" a{n}: name"));
    let best = |levels| format!("{{ people {{ nodes {{ {} }} }} }}", nested(levels, "best { ", "name", " }"));
    let fragments = many(51, |n| format!(" fragment F{n} on Person {{ name }}"));
    let cases: Vec<(&str, String, &str)> = vec![
        ("bytes", format!("{{ __typename }} #{}", "x".repeat(16_384)), "at most 16384 bytes"),
        ("tokens", format!("{{ {} }}", "a ".repeat(2000)), "at most 2000 tokens"),
        ("nesting", format!("{{ echo(text: {}) }}", nested(65, "[", "", "]")), "at most 64 brackets"),
        ("nesting by inline fragments", nested(65, "{ ... ", "{ __typename }", " }"), "at most 64 brackets"),
        ("depth", best(15), "at most 16 fields inside each other (depth)"),
        ("depth 50", best(50), "at most 16 fields inside each other (depth)"),
        ("root fields", format!("{{ {} }}", "__typename ".repeat(21)), "at most 20 root fields"),
        ("500 copies", format!("{{ people {{ nodes {{ {} }} }} }}", "name ".repeat(500)), "at most 400 fields"),
        ("aliases", format!("{{ people {{ nodes {{ {} }} }} }}", fields(101)), "at most 50 aliases"),
        ("directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(51)), "at most 50 directives"),
        ("1,000 unknown directives", format!("{{ __typename {} }}", "@a ".repeat(1000)), "at most 50 directives"),
        (
            "directives of variables",
            format!("query ($a: Int {}) {{ __typename }}", "@a ".repeat(51)),
            "at most 50 directives",
        ),
        ("fragments", format!("{{ people {{ nodes {{ ...F0 }} }} }} {fragments}"), "at most 50 fragments"),
        (
            "a bomb",
            format!("{{ people {{ nodes {}", bomb(24).replace("Query", "Person").replacen(" }", " } } }", 1)),
            "at most 400 fields, with fragments written out",
        ),
        ("a bomb of the root", bomb(24), "at most 20 root fields"),
        (
            "a bomb that nothing spreads",
            format!("{{ __typename }} {}", bomb(12).trim_start_matches("{ ...F0 }")),
            "at most 400 fields",
        ),
        (
            "pages in pages",
            "{ people(first: 100) { nodes { friends(first: 100) { nodes { name best { name } } } } } }".into(),
            "at most 20000 values",
        ),
        (
            "two introspections",
            format!(
                "{{ {} }}",
                nested(4, "__schema { types { fields { type { fields { type { ", "name", " } } } } } }")
            ),
            "values of introspection",
        ),
    ];
    for (what, document, expected) in cases {
        let refused = refusal(&[], &document, json!({})).unwrap_or_else(|| panic!("{what} is let through"));
        assert!(refused.starts_with("QUERY_TOO_EXPENSIVE: ") && refused.contains(expected), "{what}: {refused}");
        assert!(refused.len() < 200, "{refused}");
    }
    // Just below.
    for (what, document) in [
        ("nesting", format!("{{ echo(text: {}) }}", nested(62, "[", "", "]"))),
        ("depth", best(13)),
        ("root fields", format!("{{ {} }}", "__typename ".repeat(20))),
        ("aliases", format!("{{ people {{ nodes {{ {} }} }} }}", fields(50))),
        ("directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(50))),
        ("a usual page", "{ people(first: 100) { nodes { name friends { nodes { name } } } } }".into()),
        (
            "brackets in texts and comments",
            format!("{{ echo(text: \"{0}\") a: echo(text: \"\"\"{0}\"\"\") }} # {0}", "[{(@".repeat(500)),
        ),
    ] {
        assert_eq!(refusal(&[], &document, json!({})), None, "{what}");
    }
}

#[test]
fn limits_are_settings() {
    for (setting, value, document, expected) in [
        ("PLAZA_LIMIT_DOCUMENT_BYTES", "64", format!("{{ __typename }} #{}", "x".repeat(64)), "at most 64 bytes"),
        ("PLAZA_LIMIT_TOKENS", "10", "{ a b c d e f g h i j }".into(), "at most 10 tokens"),
        ("PLAZA_LIMIT_NESTING", "8", nested(9, "{ a ", "", "}"), "at most 8 brackets"),
        ("PLAZA_LIMIT_DEPTH", "2", "{ people { nodes { name } } }".into(), "at most 2 fields inside"),
        ("PLAZA_LIMIT_ROOT_FIELDS", "1", "{ __typename people { __typename } }".into(), "at most 1 root fields"),
        ("PLAZA_LIMIT_FIELDS", "10", format!("{{ {} }}", "__typename ".repeat(11)), "at most 10 fields"),
        ("PLAZA_LIMIT_ALIASES", "0", "{ a: __typename }".into(), "at most 0 aliases"),
        ("PLAZA_LIMIT_DIRECTIVES", "0", "{ __typename @skip(if: true) }".into(), "at most 0 directives"),
        ("PLAZA_LIMIT_FRAGMENTS", "0", "{ ...F } fragment F on Query { __typename }".into(), "at most 0 fragments"),
        ("PLAZA_LIMIT_COST", "100", "{ people(first: 100) { nodes { name } } }".into(), "at most 100 values"),
    ] {
        let refused = refusal(&[(setting, value)], &document, json!({})).unwrap_or_default();
        assert!(refused.contains(expected), "{setting}: {refused}");
    }
}

/// The cost follows the page sizes, wherever they come from; nested lists multiply.
#[test]
fn pages_are_counted_by_their_size() {
    let document = "query ($n: Int = 3) { people(first: $n) { nodes { friends(first: 10) { nodes { name } } } } }";
    let limit = [("PLAZA_LIMIT_COST", "1000")];
    // 2 + n (2 + 10 (1 + 1)): people and nodes of n, each friends and nodes of ten names.
    assert_eq!(refusal(&limit, document, json!({ "n": 40 })), None);
    assert!(refusal(&limit, document, json!({ "n": 60 })).is_some());
    assert_eq!(refusal(&limit, document, json!({})), None);
    assert_eq!(refusal(&limit, document, json!({ "n": "many" })), None, "no number at all is refused later");
    let spread = "query ($n: Int) { people(first: $n) { ...Page } } fragment Page on PersonConnection { nodes { friends(first: 10) { nodes { name } } } }";
    assert_eq!(refusal(&limit, spread, json!({ "n": 40 })), None);
    assert!(refusal(&limit, spread, json!({ "n": 60 })).is_some());
}

#[test]
fn fragments_that_hold_themselves_are_refused() {
    for document in [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { a: __typename ...A }",
        "{ __typename } fragment A on Query { ... { ...A } }",
    ] {
        let refused = refusal(&[], document, json!({})).unwrap_or_default();
        assert!(refused.starts_with("GRAPHQL_VALIDATION_FAILED") && refused.contains("spreads itself"), "{refused}");
    }
}

/// The introspection of GraphiQL and of code generators is let through, and answered whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_introspection_is_exempt() {
    let app = TestApp::start().await;
    let of_type = nested(9, "ofType { kind name ", "", "}");
    let document = format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }}
            subscriptionType {{ name kind }} types {{ ...FullType }} directives {{ name description isRepeatable
            locations args(includeDeprecated: true) {{ ...InputValue }} }} }} }}
        fragment FullType on __Type {{ kind name description specifiedByURL isOneOf
            fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ ...InputValue }}
                type {{ ...TypeRef }} isDeprecated deprecationReason }}
            inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }}
            enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
            possibleTypes {{ ...TypeRef }} }}
        fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated
            deprecationReason }}
        fragment TypeRef on __Type {{ kind name {of_type} }}"
    );
    let answer = app.run(&document, json!({})).await;
    assert!(answer.data()["__schema"]["types"].as_array().unwrap().len() > 40);
}

/// A refusal is short, however long and wrong the document is.
#[tokio::test(flavor = "multi_thread")]
async fn answers_to_wrong_documents_are_short() {
    let app = TestApp::start().await;
    let unknown = many(300, |n| format!(" unknown{n}(a: 1, b: $c)"));
    for document in [
        format!("{{ {} }}", "x".repeat(16_000)),
        format!("{{ viewer {{ {unknown} }} }}"),
        format!("{{ __typename {} }}", "@a ".repeat(50)),
        format!("{{ viewer {} {{ user {{ id }} }} }}", "@a ".repeat(50)),
        "{ __typename(a: 1) }".into(),
        format!("query ({}) {{ __typename }}", many(300, |n| format!("$v{n}: Int "))),
        format!("{{ user(id: \"{}\", nothing: 1) {{ id }} }}", "x".repeat(15_000)),
        format!("{{ {} }} ]", "x".repeat(16_000)),
        format!("query {} {{ __typename }} query B {{ __typename }}", "x".repeat(16_000)),
    ] {
        let answer = app.run(&document, json!({})).await;
        let errors = answer.body["errors"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
        assert!(errors.len() <= 10, "{} errors", errors.len());
        assert!(answer.body.to_string().len() <= 16_384, "{} bytes", answer.body.to_string().len());
    }
    let name = "x".repeat(16_000);
    let body = json!({ "query": "query A { __typename }", "operationName": name }).to_string();
    let reply = http::send(app.address, axum::http::Method::POST, "/graphql", &[http::JSON], body).await;
    assert!(reply.text.len() < 16_384, "{} bytes", reply.text.len());
}

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
    let url = cluster().empty_database().await;
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

/// A document is parsed once, and what it costs with other variables is looked at each time.
#[tokio::test(flavor = "multi_thread")]
async fn the_cache_keeps_documents_and_not_their_variables() {
    let app = TestApp::serving(schema().0, &[("PLAZA_LIMIT_COST", "1000")]).await;
    let document = "query ($n: Int) { people(first: $n) { nodes { friends(first: 10) { nodes { name } } } } }";
    for _ in 0..2 {
        assert_eq!(
            post(app.address, None, document, json!({ "n": 1 })).await.data()["people"]["nodes"][0]["friends"]["nodes"]
                [9]["name"],
            "somebody"
        );
        assert_eq!(post(app.address, None, document, json!({ "n": 100 })).await.code(), "QUERY_TOO_EXPENSIVE");
    }
}
