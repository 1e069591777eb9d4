//! A document means what GraphQL says, however it is written: every form of fragment, repeated selections, conditions,
//! variables and their defaults; on HTTP, socket and event stream; in queries, mutations and subscriptions.
//!
//! The language itself is in `language`, the corpus of documents with their verdicts in `tests/corpus`.

mod random;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use async_graphql::{Context, Interface, Object, Schema, SimpleObject, Subscription, Union, ValidationMode};
use axum::http::Method;
use futures_util::{Stream, stream};
use serde_json::{Value, json};

use crate::harness::http::{JSON, send};
use crate::harness::{Socket, TestApp};

#[derive(SimpleObject, Clone)]
struct Cat {
    id: i32,
    name: String,
    lives: i32,
}

#[derive(SimpleObject, Clone)]
struct Dog {
    id: i32,
    name: String,
    tricks: Vec<String>,
}

#[derive(Interface, Clone)]
#[graphql(field(name = "id", ty = "&i32"), field(name = "name", ty = "&String"))]
enum Pet {
    Cat(Cat),
    Dog(Dog),
}

#[derive(Union, Clone)]
enum Found {
    Cat(Cat),
    Dog(Dog),
    Counter(Counter),
}

#[derive(SimpleObject, Clone)]
struct Counter {
    total: i32,
}

fn cat() -> Cat {
    Cat { id: 1, name: "Mimi".into(), lives: 9 }
}

fn dog() -> Dog {
    Dog { id: 2, name: "Rex".into(), tricks: vec!["sit".into()] }
}

struct Query;

#[Object]
impl Query {
    async fn pets(&self) -> Vec<Pet> {
        vec![Pet::Cat(cat()), Pet::Dog(dog())]
    }
    async fn found(&self) -> Vec<Found> {
        vec![Found::Cat(cat()), Found::Dog(dog()), Found::Counter(Counter { total: 3 })]
    }
    async fn cat(&self) -> Cat {
        cat()
    }
    /// Tells which argument came.
    async fn told(&self, #[graphql(default = 7)] number: i32) -> i32 {
        number
    }
}

type Effects = Arc<AtomicI32>;

struct Mutation;

#[Object]
impl Mutation {
    async fn add(&self, ctx: &Context<'_>, #[graphql(default = 1)] by: i32) -> Counter {
        let before = ctx.data_unchecked::<Effects>().fetch_add(by, Ordering::SeqCst);
        Counter { total: before + by }
    }
}

struct Counts;

#[Subscription(name = "Subscription")]
impl Counts {
    async fn counted(&self, #[graphql(default = 2)] to: i32) -> impl Stream<Item = Counter> + use<> {
        stream::iter((1..=to).map(|total| Counter { total }))
    }
}

async fn app() -> (TestApp, Effects) {
    let effects = Effects::default();
    let schema = Schema::build(Query, Mutation, Counts).data(Arc::clone(&effects));
    // As Plaza's own: nothing is validated twice.
    let schema = schema.validation_mode(ValidationMode::Fast).finish();
    (TestApp::with_engine(schema, &[]).await, effects)
}

/// One selection of a root type in every form that means the same, with the variables that go with it.
fn forms(kind: &str, root: &str, field: &str, inner: &str, rest: &str) -> Vec<(String, Value)> {
    let whole = format!("{field} {{ {inner} {rest} }}");
    let (one, other) = (format!("{field} {{ {inner} }}"), format!("{field} {{ {rest} }}"));
    let plain = |body: String| (format!("{kind} {body}"), json!({}));
    let mut forms = vec![
        plain(format!("{{ {whole} }}")),
        plain(format!("{{ {whole} {whole} }}")),
        plain(format!("{{ {one} {other} }}")),
        plain(format!("{{ ... {{ {whole} }} }}")),
        plain(format!("{{ ... on {root} {{ {whole} }} }}")),
        plain(format!("{{ {one} ... on {root} {{ {other} }} }}")),
        plain(format!("{{ ...A }} fragment A on {root} {{ {whole} }}")),
        plain(format!("{{ ...A ...A }} fragment A on {root} {{ {whole} }}")),
        plain(format!("{{ ...A ...B }} fragment A on {root} {{ {one} }} fragment B on {root} {{ {other} }}")),
        plain(format!("{{ {one} ...A }} fragment A on {root} {{ ...B }} fragment B on {root} {{ ... {{ {other} }} }}")),
        plain(format!("{{ {field} {{ {inner} ... {{ {rest} }} {inner} }} }}")),
        plain(format!("{{ {field} {{ {inner} {rest} @include(if: true) {rest} @skip(if: true) }} }}")),
        plain(format!("# a comment, with commas\n{{,,{whole},,}}")),
    ];
    for (variables, given) in [
        ("($yes: Boolean = true, $no: Boolean! = false)", json!({})),
        ("($yes: Boolean!, $no: Boolean!)", json!({ "yes": true, "no": false })),
        ("($yes: Boolean! = false, $no: Boolean! = true)", json!({ "yes": true, "no": false })),
    ] {
        let body = format!("{{ {field} {{ {inner} @include(if: $yes) {rest} @skip(if: $no) }} }}");
        forms.push((format!("{kind} Q{variables} {body}"), given.clone()));
        let body =
            format!("{{ {field} {{ {inner} ...A @skip(if: $no) ... @include(if: $no) {{ nothing: __typename }} }} }}");
        let fragment = format!("fragment A on {} {{ ... @include(if: $yes) {{ {rest} }} }}", inner_type(root));
        forms.push((format!("{kind} Q{variables} {body} {fragment}"), given));
    }
    forms
}

fn inner_type(root: &str) -> &'static str {
    if root == "Query" { "Cat" } else { "Counter" }
}

/// What a request answers on an event stream: all its results, which end with `complete`.
async fn by_stream(app: &TestApp, document: &str, variables: &Value) -> Vec<Value> {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let headers = [JSON, ("accept", "text/event-stream")];
    let reply = send(app.address, Method::POST, "/graphql", &headers, body).await;
    assert!(reply.text.contains("event: complete"), "{document}: {}", reply.text);
    let data = reply.text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|value| value.get("data").is_some())
        .collect()
}

async fn by_socket(socket: &mut Socket, document: &str, variables: &Value) -> Vec<Value> {
    let id = socket.subscribe(document, variables.clone()).await;
    let mut results = Vec::new();
    loop {
        let message = socket.receive().await;
        assert_eq!(message["id"], json!(id));
        match message["type"].as_str() {
            Some("next") => results.push(message["payload"].clone()),
            Some("complete") => return results,
            _ => panic!("{document}: {message}"),
        }
    }
}

/// One effect for each response key, whatever it is selected by.
#[tokio::test(flavor = "multi_thread")]
async fn a_mutation_has_one_effect_in_every_form() {
    let (app, effects) = app().await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    let mut total = 0;
    for (document, variables) in forms("mutation", "Mutation", "add(by: 2)", "total", "__typename") {
        let expected = |total: i32| json!({ "add": { "total": total, "__typename": "Counter" } });
        let answer = app.run(&document, variables.clone()).await;
        assert_eq!(answer.data(), &expected(total + 2), "{document}");
        let results = by_socket(&mut socket, &document, &variables).await;
        assert_eq!(results, [json!({ "data": expected(total + 4) })], "{document}");
        let results = by_stream(&app, &document, &variables).await;
        assert_eq!(results, [json!({ "data": expected(total + 6) })], "{document}");
        total += 6;
        assert_eq!(effects.load(Ordering::SeqCst), total, "{document}");
    }
    // Other keys are other fields, in their order.
    let answer = app.run("mutation { a: add { total } ...F b: add { total } } fragment F on Mutation { c: add { total } a: add { total } }", json!({})).await;
    assert_eq!(
        answer.body["data"],
        json!({ "a": { "total": total + 1 }, "c": { "total": total + 2 }, "b": { "total": total + 3 } })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_means_the_same_in_every_form() {
    let (app, _) = app().await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    let expected = json!({ "data": { "cat": { "name": "Mimi", "lives": 9 } } });
    for (document, variables) in forms("query", "Query", "cat", "name", "lives") {
        assert_eq!(app.run(&document, variables.clone()).await.body, expected, "{document}");
        assert_eq!(by_socket(&mut socket, &document, &variables).await, std::slice::from_ref(&expected), "{document}");
        assert_eq!(by_stream(&app, &document, &variables).await, std::slice::from_ref(&expected), "{document}");
    }
}

/// A subscription is one, in whatever form.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_runs_in_every_form() {
    let (app, _) = app().await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    let event = |total: i32| json!({ "data": { "counted": { "total": total, "__typename": "Counter" } } });
    for (document, variables) in forms("subscription", "Subscription", "counted(to: 2)", "total", "__typename") {
        assert_eq!(by_socket(&mut socket, &document, &variables).await, [event(1), event(2)], "{document}");
        assert_eq!(by_stream(&app, &document, &variables).await, [event(1), event(2)], "{document}");
    }
    // What may leave a subscription without its field, or gives it two.
    for document in [
        "subscription { counted @include(if: false) { total } }",
        "subscription ($no: Boolean = false) { ... @include(if: $no) { counted { total } } }",
        "subscription { counted { total } other: counted { total } }",
        "subscription { ...A ... { counted { total } } } fragment A on Subscription { other: counted { total } }",
        "subscription { __typename }",
    ] {
        let id = socket.subscribe(document, json!({})).await;
        let message = socket.receive().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{document}: {message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{document}");
    }
}

/// Fragments on interfaces and unions apply to each object by its own type, in the order of the document.
#[tokio::test(flavor = "multi_thread")]
async fn fragments_are_resolved_for_each_type() {
    let (app, _) = app().await;
    for (document, expected) in [
        ("{ pets { id name } }", json!([{ "id": 1, "name": "Mimi" }, { "id": 2, "name": "Rex" }])),
        ("{ pets { ... on Cat { lives } name } }", json!([{ "lives": 9, "name": "Mimi" }, { "name": "Rex" }])),
        (
            "{ pets { ... on Pet { id } ... on Found { __typename } ... on Dog { tricks id } } }",
            json!([{ "id": 1, "__typename": "Cat" }, { "id": 2, "__typename": "Dog", "tricks": ["sit"] }]),
        ),
        (
            "{ pets { ...P } } fragment P on Pet { ... on Found { ... on Pet { name } ...C } } fragment C on Cat { lives }",
            json!([{ "name": "Mimi", "lives": 9 }, { "name": "Rex" }]),
        ),
        (
            "{ pets { ... on Dog { ... { label: name } } ... on Cat { ... { label: name } } } }",
            json!([{ "label": "Mimi" }, { "label": "Rex" }]),
        ),
        ("{ pets { ... on Cat @skip(if: true) { id } } }", json!([{}, {}])),
        ("{ pets { ... on Cat { id } } }", json!([{ "id": 1 }, {}])),
    ] {
        let answer = app.run(document, json!({})).await;
        assert_eq!(answer.body, json!({ "data": { "pets": expected } }), "{document}");
        // Objects keep their fields in the document's order.
        assert_eq!(answer.body["data"]["pets"].to_string(), expected.to_string(), "{document}");
    }
    for (document, expected) in [
        (
            "{ found { __typename } }",
            json!([{ "__typename": "Cat" }, { "__typename": "Dog" }, { "__typename": "Counter" }]),
        ),
        (
            "{ found { ... on Pet { name } ... on Counter { total } } }",
            json!([{ "name": "Mimi" }, { "name": "Rex" }, { "total": 3 }]),
        ),
        (
            "{ found { ... on Cat { ...S } ...S } } fragment S on Found { ... on Pet { id } ... on Counter { n: total } }",
            json!([{ "id": 1 }, { "id": 2 }, { "n": 3 }]),
        ),
    ] {
        assert_eq!(app.run(document, json!({})).await.body, json!({ "data": { "found": expected } }), "{document}");
    }
}

/// Variables, their defaults and those of arguments.
#[tokio::test(flavor = "multi_thread")]
async fn variables_are_coerced() {
    let (app, _) = app().await;
    for (document, variables, expected) in [
        ("query ($n: Int) { told(number: $n) }", json!({}), json!(7)),
        ("query ($n: Int = 3) { told(number: $n) }", json!({}), json!(3)),
        ("query ($n: Int! = 3) { told(number: $n) }", json!({ "n": 4 }), json!(4)),
        ("query ($n: Int!) { told(number: $n) }", json!({ "n": 2.0 }), json!(2)),
        ("{ told(number: -0) }", json!({}), json!(0)),
        ("query ($n: Int! = -0) { told(number: $n) }", json!({}), json!(0)),
    ] {
        assert_eq!(
            app.run(document, variables.clone()).await.body,
            json!({ "data": { "told": expected } }),
            "{document} {variables}"
        );
    }
    // As they are written: JSON's own forms of a number.
    for number in ["2e0", "2.0", "20e-1", "-0"] {
        let body = format!(r#"{{"query":"query ($n: Int!) {{ told(number: $n) }}","variables":{{"n":{number}}}}}"#);
        let expected = if number == "-0" { 0 } else { 2 };
        let reply = send(app.address, Method::POST, "/graphql", &[JSON], body).await;
        assert_eq!(reply.json(), json!({ "data": { "told": expected } }), "{number}");
    }
    for (document, variables) in [
        ("query ($n: Int!) { told(number: $n) }", json!({ "n": 2.5 })),
        ("query ($n: Int!) { told(number: $n) }", json!({ "n": 2_147_483_648_i64 })),
        ("query ($n: Int!) { told(number: $n) }", json!({ "n": "2" })),
        ("query ($n: Int!) { told(number: $n) }", json!({ "n": true })),
        ("query ($n: Int!) { told(number: $n) }", json!({})),
        ("query ($n: Int = 1) { told(number: $n) }", json!({ "n": [1, 2] })),
        ("query ($p: Boolean = true) { cat { id name @include(if: $p) } }", json!({ "p": null })),
        ("query ($p: Boolean! = true) { cat { id name @skip(if: $p) } }", json!({ "p": "yes" })),
    ] {
        assert_eq!(app.run(document, variables.clone()).await.code(), "BAD_USER_INPUT", "{document} {variables}");
    }
}

/// Nothing runs unless every value of the document and of the variables can be read.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_beside_a_value_that_cannot_be_read() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let recharge = |amount: &str| format!("rechargeWallet(amount: {amount}) {{ wallet {{ balance }} }}");
    let good = recharge("\"1.00\"");
    for (document, variables, code) in [
        (format!("mutation {{ a: {good} b: {} }}", recharge("\"x\"")), json!({}), "GRAPHQL_VALIDATION_FAILED"),
        (
            format!("mutation ($x: Decimal!) {{ a: {good} b: {} }}", recharge("$x")),
            json!({ "x": "x" }),
            "BAD_USER_INPUT",
        ),
        (
            format!("mutation ($x: Decimal! = \"1.234\") {{ a: {good} b: {} }}", recharge("$x")),
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            format!(
                "mutation ($x: DateTime!) {{ a: {good} suspendUser(id: \"{}\", until: $x, reason: \"x\") {{ user {{ id }} }} }}",
                ada.id
            ),
            json!({ "x": "yesterday" }),
            "BAD_USER_INPUT",
        ),
        (
            format!(
                "mutation ($x: EmailAddress!) {{ a: {good} updateProfile(input: {{ email: $x }}) {{ user {{ id }} }} }}"
            ),
            json!({ "x": "nobody" }),
            "BAD_USER_INPUT",
        ),
    ] {
        let answer = ada.run(&document, variables).await;
        assert_eq!((answer.code(), answer.body.get("data")), (code, None), "{document}: {}", answer.body);
    }
    let balance = ada.data("{ viewer { wallet { balance } } }", json!({})).await;
    assert_eq!(balance["viewer"]["wallet"]["balance"], "0.00");
    // One effect, on money itself.
    let twice = format!(
        "mutation {{ {good} ...E }} fragment E on Mutation {{ rechargeWallet(amount: \"1.00\") {{ userErrors {{ code }} }} }}"
    );
    let answer = ada.data(&twice, json!({})).await;
    assert_eq!(answer["rechargeWallet"], json!({ "wallet": { "balance": "1.00" }, "userErrors": [] }));
}
