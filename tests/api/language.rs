//! The language of documents, to the letter, and what a misspelt one is told.

use serde_json::json;

use crate::harness::TestApp;

/// The language to the letter.
#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_read_to_the_letter() {
    let app = TestApp::with_engine(crate::harness::engine::schema().0, &[]).await;
    for (document, echoed) in [
        (r#"{ echo(text: "\ud83d\ude00") }"#, "😀"),
        (r#"{ echo(text: "\u{1F600}") }"#, "😀"),
        (r#"{ echo(text: "\u00e9\t\"\\\/") }"#, "é\t\"\\/"),
        (r#"{ echo(text: """a \""" b""") }"#, "a \"\"\" b"),
        ("{ echo(text: \"\"\"\n    a\n\n  b\n   \n      c\n  \"\"\") }", "  a\n\nb\n \n    c"),
        ("{ echo(text: \"\"\"a\r\n  b\r  c\"\"\") }", "a\nb\nc"),
        ("\u{feff}{ echo(text: \"x\") }", "x"),
        ("\"\"\"why\"\"\" query Q { echo(text: \"x\") }", "x"),
        ("query Q(\"which\" $t: String = \"x\") { echo(text: $t) }", "x"),
        ("{ ... on # here\n Query { echo(text: \"x\") } }", "x"),
    ] {
        assert_eq!(app.run(document, json!({})).await.body["data"]["echo"], json!(echoed), "{document}");
    }
    let spaced = app.run("query($n:[ Int ! ] !=[1,2]){echoes(numbers:$n)}", json!({})).await;
    assert_eq!(spaced.body, json!({ "data": { "echoes": [1, 2] } }));
    for (document, code) in [
        ("queryFoo { __typename }", "GRAPHQL_PARSE_FAILED"),
        ("{ echo(text: \"\\ud83d\") }", "GRAPHQL_PARSE_FAILED"),
        ("{ echo(text: \"\\u{110000}\") }", "GRAPHQL_PARSE_FAILED"),
        ("{ echo(number: 01) }", "GRAPHQL_PARSE_FAILED"),
        ("{ echo(number: 1 e5) }", "GRAPHQL_PARSE_FAILED"),
        ("{ people { } }", "GRAPHQL_PARSE_FAILED"),
        ("{ choose(choice: { number: 1, number: 2 }) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo(text: \"a\") echo(text: \"b\") }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let answer = app.run(document, json!({})).await;
        assert_eq!(answer.code(), code, "{document}: {}", answer.body);
        assert!(answer.body["errors"][0]["locations"][0]["line"].is_u64(), "{document}: {}", answer.body);
    }
}

/// Misspelt names of every kind come with a suggestion, and all of it with a location.
#[tokio::test(flavor = "multi_thread")]
async fn misspelt_names_are_suggested() {
    let app = TestApp::start().await;
    for (document, message) in [
        ("{ viewr { eventCursor } }", "Did you mean \"viewer\""),
        ("{ items(frist: 1) { nodes { id } } }", "Did you mean \"first\""),
        ("{ items(filter: { statuss: OPEN }) { nodes { id } } }", "Did you mean \"status\""),
        ("{ search(query: \"x\", kinds: [ITM]) { nodes { __typename } } }", "Did you mean \"ITEM\""),
        ("{ node(id: \"x\") { ... on Itme { id } } }", "Did you mean \"Item\""),
        ("{ node(id: \"x\") { title } }", "Did you mean to use an inline fragment on \"Conversation\", \"Item\""),
        ("{ viewer @skp(if: true) { eventCursor } }", "Did you mean \"skip\""),
        ("query ($x: Strng) { __typename @include(if: $x) }", "Did you mean \"String\""),
    ] {
        let answer = app.run(document, json!({})).await;
        let errors = answer.body["errors"].as_array().unwrap();
        let found = errors.iter().find(|error| error["message"].as_str().is_some_and(|text| text.contains(message)));
        assert!(found.is_some_and(|error| error["locations"][0]["column"].is_u64()), "{document}: {}", answer.body);
    }
}
