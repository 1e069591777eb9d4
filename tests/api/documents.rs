//! Documents before they run: limits and what a refusal says, the cache, persisted queries, trusted documents.

use async_graphql::Variables;
use plaza::config::Config;
use plaza::graphql::document::{DocumentError, Documents, GraphqlRequest};
use plaza::graphql::errors::Stage;
use serde_json::{Value, json};

use crate::harness::engine::schema;
use crate::harness::{TestApp, http, post};

/// The message that refuses a document, or nothing.
fn refusal(settings: &[(&str, &str)], document: &str, variables: Value) -> Option<String> {
    refusal_of(settings, document, None, variables)
}

fn refusal_of(settings: &[(&str, &str)], document: &str, operation: Option<&str>, variables: Value) -> Option<String> {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::parse(settings).unwrap();
    let documents = Documents::open(&schema().0.sdl(), &config).unwrap();
    let operation_name = operation.map(ToOwned::to_owned);
    let request = GraphqlRequest { query: Some(document.to_owned()), operation_name, ..GraphqlRequest::default() };
    match documents.prepare(&request, Variables::from_json(variables), 0) {
        Ok(_) => None,
        Err(DocumentError::Document(Stage::Validation, errors)) => {
            let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
            Some(format!("GRAPHQL_VALIDATION_FAILED: {}", messages.join(" ")))
        }
        Err(DocumentError::Document(stage, errors)) => panic!("{document}: {stage:?} {errors:?}"),
        Err(DocumentError::Request(error)) => Some(error.describe()),
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
                nested(
                    1,
                    "__schema { types { fields { type { fields { type { fields { type { fields { type { ",
                    "name",
                    " } } } } } } } } } }"
                )
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
        ("nesting", nested(62, "{ ... ", "{ __typename }", " }")),
        ("depth", best(13)),
        ("root fields", format!("{{ {} }}", "__typename ".repeat(20))),
        ("aliases", format!("{{ people {{ nodes {{ {} }} }} }}", fields(50))),
        ("directives", format!("{{ people {{ nodes {{ {} }} }} }}", "name @skip(if: false) ".repeat(50))),
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

/// What the engine would walk through for ever, copy for ever, or count by another operation's defaults.
#[test]
fn no_way_round_the_limits_is_left() {
    let unknown = bomb(24).replace("{ __typename }", "{ ...Nowhere }");
    let refused = refusal(&[], &unknown, json!({})).unwrap_or_default();
    assert_eq!(refused, "GRAPHQL_VALIDATION_FAILED: Unknown fragment \"Nowhere\".");
    // Each operation's page sizes are its own.
    let one = "query A($m: Int) { people(first: $m) { nodes { friends(first: $m) { nodes { friends(first: $m) {
        nodes { friends(first: $m) { nodes { name } } } } } } } } }";
    for other in ["", "query B($m: Int = 1) { people(first: $m) { nodes { name } } }"] {
        let refused = refusal_of(&[], &format!("{one} {other}"), Some("A"), json!({})).unwrap_or_default();
        assert!(refused.contains("at most 20000 values"), "{other}: {refused}");
    }
    // A large variable in many places.
    let large = json!({ "v": "x".repeat(300_000) });
    let uses = |count: usize| format!("query ($v: String) {{ {} }}", many(count, |n| format!("a{n}: echo(text: $v) ")));
    assert_eq!(refusal(&[], &uses(1), large.clone()), None);
    let refused = refusal(&[], &uses(20), large).unwrap_or_default();
    assert!(refused.contains("bytes of variables"), "{refused}");
    assert_eq!(refusal(&[], &uses(20), json!({ "v": "x".repeat(1000) })), None);
}

/// Literals, and the variables in them, fit the places where they stand; of most of it the engine says nothing.
#[test]
fn values_fit_their_places() {
    // No variable may be unused.
    let echo = |values: &str| {
        let all = ["$i: Int", "$r: Int!", "$d: Int = 1", "$s: String", "$l: [Int]", "$c: Choice"];
        let used: Vec<&str> = all.into_iter().filter(|definition| values.contains(&definition[..2])).collect();
        let definitions = if used.is_empty() { String::new() } else { format!("({})", used.join(", ")) };
        format!("query {definitions} {{ {values} }}")
    };
    let default = refusal(&[], "query ($i: Int = 4000000000) { echo(number: $i) }", json!({})).unwrap_or_default();
    assert_eq!(default, "GRAPHQL_VALIDATION_FAILED: Int cannot represent non 32-bit signed integer value: 4000000000");
    for (values, expected) in [
        (
            "people(first: $s) { __typename }",
            "Variable \"$s\" of type \"String\" used in position expecting type \"Int\".",
        ),
        ("needed(number: $i)", "Variable \"$i\" of type \"Int\" used in position expecting type \"Int!\"."),
        ("needed(number: $unknown)", "Variable \"$unknown\" is not defined."),
        ("needed(number: null)", "argument \"number\" of type \"Int!\" is required"),
        ("echoes(numbers: $i)", "Variable \"$i\" of type \"Int\" used in position expecting type \"[Int]\"."),
        ("echoes(numbers: [$l])", "Variable \"$l\" of type \"[Int]\" used in position expecting type \"Int\"."),
        ("echo(number: 1.5)", "Int cannot represent value: 1.5"),
        ("echo(number: 4000000000)", "Int cannot represent non 32-bit signed integer value: 4000000000"),
        ("echo(text: 1)", "String cannot represent value: 1"),
        ("echo(text: [\"a\"])", "String cannot represent value: ["),
        ("choose(choice: 5)", "Choice cannot represent value: 5"),
        ("choose(choice: { other: 1 })", "Field \"other\" is not defined by type \"Choice\"."),
        ("choose(choice: {})", "OneOf Input Object \"Choice\" must specify exactly one key."),
        ("choose(choice: { number: 1, text: \"a\" })", "OneOf Input Object \"Choice\" must specify exactly one key."),
        ("choose(choice: { number: null })", "Int cannot represent value: null"),
        ("choose(choice: { number: $i })", "Variable \"$i\" of type \"Int\" used in position expecting type \"Int!\"."),
        ("choose(choice: $i)", "Variable \"$i\" of type \"Int\" used in position expecting type \"Choice!\"."),
        ("pick(colour: \"RED\")", "Colour cannot represent value: \"RED\". Did you mean \"RED\"?"),
        ("pick(colour: PINK)", "Value \"PINK\" does not exist in \"Colour\" enum."),
        (
            "__typename @include(if: $i)",
            "Variable \"$i\" of type \"Int\" used in position expecting type \"Boolean!\".",
        ),
        ("__typename @include(if: $unknown)", "Variable \"$unknown\" is not defined."),
        ("__typename @include", "Directive \"@include\" argument \"if\" of type \"Boolean!\" is required"),
        ("__typename @skip(if: 1)", "Boolean cannot represent value: 1"),
        ("__typename(a: 1)", "Unknown argument \"a\" on field \"Query.__typename\"."),
    ] {
        let refused =
            refusal(&[], &echo(values), json!({ "r": 1 })).unwrap_or_else(|| panic!("{values} is let through"));
        assert!(refused.starts_with("GRAPHQL_VALIDATION_FAILED") && refused.contains(expected), "{values}: {refused}");
        assert!(!refused.contains("Name("), "{refused}");
    }
    for values in [
        "needed(number: $r)",
        "needed(number: $d)",
        "echoes(numbers: 1)",
        "echoes(numbers: [1, $i, null])",
        "choose(choice: { number: $r })",
        "pick(colour: RED)",
        "echo(number: null, text: $s)",
    ] {
        assert_eq!(refusal(&[], &echo(values), json!({ "r": 1 })), None, "{values}");
    }
}

/// `__typename` may have directives like any other field, and only those there are.
#[tokio::test(flavor = "multi_thread")]
async fn a_type_name_is_skipped_like_any_field() {
    let app = TestApp::with_engine(schema().0, &[]).await;
    let document = "query ($a: Boolean!) { __typename @include(if: $a) x: __typename @skip(if: $a) }";
    for (a, data) in [(true, json!({ "__typename": "Query" })), (false, json!({ "x": "Query" }))] {
        assert_eq!(app.run(document, json!({ "a": a })).await.data(), &data);
    }
    assert_eq!(app.run("{ __typename @other }", json!({})).await.code(), "GRAPHQL_VALIDATION_FAILED");
}

/// The cache weighs what it holds: documents of many small fields are no lighter than others.
#[tokio::test(flavor = "multi_thread")]
async fn the_cache_is_bounded() {
    let config = Config::parse([("PLAZA_LIMIT_DOCUMENT_CACHE_MB".to_owned(), "1".to_owned())]).unwrap();
    let documents = Documents::open(&schema().0.sdl(), &config).unwrap();
    for n in 0..200 {
        let query = format!("query q{n} {{ people {{ nodes {{ {} }} }} }}", "name ".repeat(390));
        let request = GraphqlRequest { query: Some(query), ..GraphqlRequest::default() };
        documents.prepare(&request, Variables::default(), 0).unwrap();
    }
    crate::harness::until("it has thrown out the most of them", || async { documents.cached() <= 10 }).await;
    // Nor are those of few tokens that hold long texts.
    for n in 0..200 {
        let query = format!("query q{n} {{ echo(text: \"{}\") }}", "x".repeat(15_900));
        let request = GraphqlRequest { query: Some(query), ..GraphqlRequest::default() };
        documents.prepare(&request, Variables::default(), 0).unwrap();
    }
    crate::harness::until("it has thrown out the most of these", || async { documents.cached() <= 20 }).await;
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

/// A document is parsed once, and what it costs with other variables is looked at each time.
#[tokio::test(flavor = "multi_thread")]
async fn the_cache_keeps_documents_and_not_their_variables() {
    let app = TestApp::with_engine(schema().0, &[("PLAZA_LIMIT_COST", "1000")]).await;
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
