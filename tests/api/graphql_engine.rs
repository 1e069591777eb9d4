//! What the engine has to do for a schema like ours, shown on a small schema of the tests' own: nulls and errors of
//! every shape, a wide interface, oneOf inputs, omitted variables.

use async_graphql::{
    Context, EmptyMutation, Enum, ID, InputObject, Interface, MaybeUndefined, Object, OneofObject, Request, Response,
    Schema, SimpleObject, Subscription, Variables,
};
use futures_util::{Stream, StreamExt, stream};
use plaza::error::AppError;
use plaza::graphql::errors::finish;
use plaza::graphql::scalars::{DateTime, Decimal};
use plaza::telemetry::TraceId;
use serde_json::{Value, json};

use crate::harness::{Socket, TestApp};

/// A resolver that fails with something no client may see.
fn broken<T>() -> Result<T, AppError> {
    Err(AppError::internal("select secret from somewhere"))
}

struct Shapes;

#[Object]
#[expect(clippy::unused_async, reason = "resolvers are async")]
impl Shapes {
    async fn fine(&self) -> i32 {
        1
    }
    async fn nullable(&self) -> Option<Result<i32, AppError>> {
        Some(broken())
    }
    async fn non_null(&self) -> Result<i32, AppError> {
        broken()
    }
    async fn nullable_object(&self) -> Option<Result<Shapes, AppError>> {
        Some(broken())
    }
    async fn list_of_nullable(&self) -> Vec<Option<Result<i32, AppError>>> {
        vec![Some(Ok(1)), Some(broken()), None]
    }
    async fn nullable_list(&self) -> Option<Vec<Result<i32, AppError>>> {
        Some(vec![Ok(1), broken()])
    }
    async fn list(&self) -> Vec<Result<i32, AppError>> {
        vec![Ok(1), broken()]
    }
    async fn failing_list(&self) -> Option<Result<Vec<i32>, AppError>> {
        Some(broken())
    }
    async fn objects(&self) -> Vec<Option<Shapes>> {
        vec![Some(Shapes), Some(Shapes)]
    }
    async fn nested_lists(&self) -> Vec<Option<Vec<Result<i32, AppError>>>> {
        vec![Some(vec![Ok(1)]), Some(vec![Ok(2), broken()])]
    }
    async fn inner(&self) -> Option<Shapes> {
        Some(Shapes)
    }
    async fn required(&self) -> Shapes {
        Shapes
    }
}

macro_rules! wide {
    ($($name:ident),+) => {
        $(#[derive(SimpleObject)] struct $name { id: ID, own: i32 })+
        #[derive(Interface)]
        #[graphql(name = "Wide", field(name = "id", ty = "&ID"))]
        enum Wide { $($name($name)),+ }
        fn wide() -> Vec<Option<Wide>> {
            let mut all = vec![$(Some(Wide::$name($name { id: stringify!($name).into(), own: 1 }))),+];
            all.push(None);
            all
        }
    };
}
wide!(
    T01, T02, T03, T04, T05, T06, T07, T08, T09, T10, T11, T12, T13, T14, T15, T16, T17, T18, T19, T20, T21, T22, T23,
    T24, T25
);

/// A type whose fields belong to several domains delegates to them.
struct Person;

mod elsewhere {
    pub fn friends() -> i32 {
        3
    }
}

#[Object]
impl Person {
    async fn id(&self) -> ID {
        "p".into()
    }
    async fn friends(&self) -> i32 {
        elsewhere::friends()
    }
}

#[derive(OneofObject)]
enum Target {
    User(ID),
    Group(ID),
}

#[derive(InputObject)]
struct Change {
    note: MaybeUndefined<String>,
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Red,
}

struct Query;

#[Object]
impl Query {
    async fn shapes(&self) -> Option<Shapes> {
        Some(Shapes)
    }
    async fn wide(&self) -> Vec<Option<Wide>> {
        wide()
    }
    async fn person(&self) -> Person {
        Person
    }
    async fn target(&self, to: Target) -> String {
        match to {
            Target::User(id) => format!("user {}", *id),
            Target::Group(id) => format!("group {}", *id),
        }
    }
    async fn change(&self, input: Change) -> String {
        match input.note {
            MaybeUndefined::Undefined => "keep".into(),
            MaybeUndefined::Null => "clear".into(),
            MaybeUndefined::Value(note) => note,
        }
    }
    async fn echo(&self, amount: Option<Decimal>, at: Option<DateTime>, colour: Option<Colour>) -> String {
        let amount = amount.map(|Decimal(money)| money.to_string());
        format!("{amount:?} {:?} {}", at.map(|DateTime(at)| at.to_rfc3339()), colour.is_some())
    }
    async fn amount(&self) -> Decimal {
        Decimal(plaza::money::Money::from_fen(29990))
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn shapes(&self, _ctx: &Context<'_>) -> impl Stream<Item = Shapes> + use<> {
        stream::iter([Shapes, Shapes])
    }
}

fn schema() -> Schema<Query, EmptyMutation, Events> {
    Schema::new(Query, EmptyMutation, Events)
}

fn json_of(mut response: Response) -> Value {
    finish(&mut response, &TraceId::generate());
    serde_json::to_value(response).unwrap()
}

async fn run(document: &str) -> Value {
    json_of(schema().execute(document).await)
}

async fn run_with(document: &str, variables: Value) -> Value {
    json_of(schema().execute(Request::new(document).variables(Variables::from_json(variables))).await)
}

#[tokio::test]
async fn a_failing_field_becomes_null_or_bubbles_as_the_specification_says() {
    let cases = [
        (
            "{ shapes { fine nullable } }",
            json!({ "shapes": { "fine": 1, "nullable": null } }),
            json!(["shapes", "nullable"]),
        ),
        ("{ shapes { fine nonNull } }", json!({ "shapes": null }), json!(["shapes", "nonNull"])),
        (
            "{ shapes { fine nullableObject { fine } } }",
            json!({ "shapes": { "fine": 1, "nullableObject": null } }),
            json!(["shapes", "nullableObject"]),
        ),
        (
            "{ shapes { listOfNullable } }",
            json!({ "shapes": { "listOfNullable": [1, null, null] } }),
            json!(["shapes", "listOfNullable", 1]),
        ),
        (
            "{ shapes { fine nullableList } }",
            json!({ "shapes": { "fine": 1, "nullableList": null } }),
            json!(["shapes", "nullableList", 1]),
        ),
        ("{ shapes { fine list } }", json!({ "shapes": null }), json!(["shapes", "list", 1])),
        (
            "{ shapes { fine failingList } }",
            json!({ "shapes": { "fine": 1, "failingList": null } }),
            json!(["shapes", "failingList"]),
        ),
        (
            "{ shapes { objects { fine } x: objects { inner { required { nonNull } } } } }",
            json!({ "shapes": { "objects": [{ "fine": 1 }, { "fine": 1 }], "x": [{ "inner": null }, { "inner": null }] } }),
            json!(["shapes", "x", 0, "inner", "required", "nonNull"]),
        ),
        (
            "{ shapes { nestedLists } }",
            json!({ "shapes": { "nestedLists": [[1], null] } }),
            json!(["shapes", "nestedLists", 1, 1]),
        ),
        (
            "{ shapes { fine inner { fine nonNull } } }",
            json!({ "shapes": { "fine": 1, "inner": null } }),
            json!(["shapes", "inner", "nonNull"]),
        ),
        (
            "{ shapes { required { required { nonNull } } } }",
            json!({ "shapes": null }),
            json!(["shapes", "required", "required", "nonNull"]),
        ),
        (
            "{ a: shapes { nullable } b: shapes { fine } }",
            json!({ "a": { "nullable": null }, "b": { "fine": 1 } }),
            json!(["a", "nullable"]),
        ),
    ];
    for (document, data, path) in cases {
        let response = run(document).await;
        assert_eq!(response["data"], data, "{document}");
        let failures = if document.contains("objects") { 2 } else { 1 };
        assert_eq!(response["errors"].as_array().unwrap().len(), failures, "{document}: {response}");
        let error = &response["errors"][0];
        assert_eq!(error["path"], path, "{document}");
        assert_eq!((&error["message"], &error["extensions"]["code"]), (&json!("Internal error."), &json!("INTERNAL")));
        assert!(error["extensions"]["traceId"].is_string());
        assert!(!response.to_string().contains("secret"), "{response}");
    }
}

#[tokio::test]
async fn events_of_a_subscription_bubble_alike() {
    let mut events = schema().execute_stream("subscription { shapes { fine nullable inner { nonNull } } }");
    for _ in 0..2 {
        let event = json_of(events.next().await.unwrap());
        assert_eq!(event["data"], json!({ "shapes": { "fine": 1, "nullable": null, "inner": null } }));
        assert_eq!(event["errors"].as_array().unwrap().len(), 2);
    }
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn an_interface_may_have_twenty_five_types_and_lists_may_hold_nulls() {
    let response = run("{ wide { __typename id ... on T01 { own } ... on T25 { own } } person { id friends } }").await;
    let wide = response["data"]["wide"].as_array().unwrap();
    assert_eq!(wide.len(), 26);
    assert_eq!(wide[0], json!({ "__typename": "T01", "id": "T01", "own": 1 }));
    assert_eq!((&wide[24]["own"], &wide[1].get("own"), &wide[25]), (&json!(1), &None, &Value::Null));
    assert_eq!(response["data"]["person"], json!({ "id": "p", "friends": 3 }));
}

#[tokio::test]
async fn a_one_of_input_is_exactly_one_thing() {
    assert_eq!(run("{ target(to: { group: \"g\" }) }").await["data"]["target"], "group g");
    for to in ["{}", "{ user: null }", "{ user: \"u\", group: \"g\" }"] {
        let response = run(&format!("{{ target(to: {to}) }}")).await;
        assert!(response["errors"].is_array(), "{to}: {response}");
    }
    let document = "query ($to: Target!) { target(to: $to) }";
    assert_eq!(run_with(document, json!({ "to": { "user": "u" } })).await["data"]["target"], "user u");
    assert!(run_with(document, json!({ "to": { "user": "u", "group": "g" } })).await["errors"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_omitted_variable_is_omitted_and_never_null() {
    let app = TestApp::with_engine(schema(), &[]).await;
    let inside = "query ($note: String) { change(input: { note: $note }) }";
    let whole = "query ($input: Change!) { change(input: $input) }";
    for (document, variables, expected) in [
        (inside, json!({}), "keep"),
        (inside, json!({ "note": null }), "clear"),
        (inside, json!({ "note": "new" }), "new"),
        (whole, json!({ "input": {} }), "keep"),
        (whole, json!({ "input": { "note": null } }), "clear"),
        (whole, json!({ "input": { "note": "new" } }), "new"),
    ] {
        assert_eq!(run_with(document, variables.clone()).await["data"]["change"], expected, "{document} {variables}");
        // And the whole way through the endpoint.
        assert_eq!(app.run(document, variables.clone()).await.data()["change"], expected, "{document} {variables}");
    }
}

/// An event whose own field may not be null fails as a whole; the next one comes all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_event_ends_no_subscription() {
    let app = TestApp::with_engine(schema(), &[]).await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    socket.subscribe("subscription { shapes { fine nonNull } }", json!({})).await;
    for _ in 0..2 {
        let event = socket.receive().await;
        assert_eq!((&event["type"], &event["payload"]["data"]), (&json!("next"), &Value::Null), "{event}");
        assert_eq!(event["payload"]["errors"][0]["path"], json!(["shapes", "nonNull"]));
        assert_eq!(event["payload"]["errors"][0]["extensions"]["code"], "INTERNAL");
    }
    assert_eq!(socket.receive().await["type"], "complete");
}

#[tokio::test]
async fn scalars_take_what_they_say_and_nothing_else() {
    let echo = "query ($amount: Decimal, $at: DateTime) { echo(amount: $amount, at: $at) }";
    let fine = run_with(echo, json!({ "amount": "299.9", "at": "2026-01-31T16:00:00.123456+08:00" })).await;
    assert_eq!(fine["data"]["echo"], "Some(\"299.90\") Some(\"2026-01-31T08:00:00.123456+00:00\") false");
    assert_eq!(run_with(echo, json!({ "amount": 7 })).await["data"]["echo"], "Some(\"7.00\") None false");
    for amount in [json!(1.5), json!("1.234"), json!("NaN"), json!(true), json!("1e3"), json!(i64::MAX)] {
        assert!(run_with(echo, json!({ "amount": amount })).await["errors"].is_array(), "{amount}");
    }
    for at in ["yesterday", "2026-02-30T00:00:00Z", "2026-01-31", ""] {
        assert!(run_with(echo, json!({ "at": at })).await["errors"].is_array(), "{at}");
    }
    assert_eq!(run("{ amount }").await["data"]["amount"], "299.90");
}
