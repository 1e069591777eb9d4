//! What clients can send, made up at random. `PROPTEST_CASES` says how many; each never panics, and what the limits
//! let through is small.

use std::collections::HashMap;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument};
use async_graphql::{Name, Pos, Positioned, Request, Value as ConstValue, Variables};
use plaza::auth::keys::Keys;
use plaza::auth::token::AccessTokens;
use plaza::config::Config;
use plaza::config::limits::DocumentLimits;
use plaza::error::AppError;
use plaza::events::StreamCursor;
use plaza::graphql::document::scan::scan;
use plaza::graphql::document::{DocumentError, Documents, GraphqlRequest};
use plaza::graphql::errors::Stage;
use plaza::ids::{MessageId, UserId};
use plaza::page::PageArgs;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::harness::engine::{TestSchema, schema};

thread_local! {
    static ENGINE: (TestSchema, Documents, tokio::runtime::Runtime) = {
        let engine = schema().0;
        let documents = Documents::open(&engine.sdl(), &Config::parse([]).unwrap()).unwrap();
        (engine, documents, tokio::runtime::Builder::new_current_thread().build().unwrap())
    };
}

/// Sends a document the whole way, and says whether it was executed.
fn run(query: &str, variables: Variables) -> bool {
    ENGINE.with(|(engine, documents, runtime)| {
        let request = GraphqlRequest { query: Some(query.to_owned()), ..GraphqlRequest::default() };
        let Ok(operation) = documents.prepare(&request, variables, 0) else { return false };
        let operations = DocumentOperations::Single(Positioned::new(operation, Pos::default()));
        let mut request = Request::new("");
        request.set_parsed_query(ExecutableDocument { operations, fragments: HashMap::new() });
        runtime.block_on(engine.execute(request));
        true
    })
}

/// Whether a text is GraphQL at all.
fn parses(text: &str) -> bool {
    let request = GraphqlRequest { query: Some(text.to_owned()), ..GraphqlRequest::default() };
    ENGINE.with(|(_, documents, _)| {
        !matches!(documents.prepare(&request, Variables::default(), 0), Err(DocumentError::Document(Stage::Parse, _)))
    })
}

/// Pieces of GraphQL and of what only looks like it, in any order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "...",
        "@",
        "$",
        ":",
        "!",
        "=",
        "|",
        "&",
        ",",
        " ",
        "\n",
        "#",
        "\"",
        "\"\"\"",
        "\\",
        "\\\"",
        "\\\"\"\"",
        "\\u0041",
        "on ",
        "query ",
        "mutation ",
        "subscription ",
        "fragment ",
        "F",
        "Query",
        "Person",
        "people",
        "nodes",
        "name",
        "friends",
        "echo",
        "text",
        "number",
        "first",
        "a",
        "__typename",
        "__schema",
        "types",
        "null",
        "true",
        "1",
        "-1.5e9",
        "99999999999",
        "skip",
        "if",
        "\u{feff}",
        "\u{0}",
        "字",
        "é",
    ]);
    vec(pieces, 0..60).prop_map(|pieces| pieces.concat())
}

/// A selection set of `Person`'s that may spread the fragments from `first` on; so nothing spreads itself.
fn selections(first: usize, last: usize) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![Just("name".to_owned()), Just("x: name".to_owned())].boxed();
    let leaf =
        if first < last { prop_oneof![leaf, (first..last).prop_map(|n| format!("...F{n}"))].boxed() } else { leaf };
    leaf.prop_recursive(3, 12, 4, |inner| {
        let many = vec(inner, 1..4).prop_map(|all| all.join(" "));
        let size = prop::option::of(0..120_u32);
        prop_oneof![
            many.clone().prop_map(|set| format!("best {{ {set} }}")),
            many.clone().prop_map(|set| format!("... on Person {{ {set} }}")),
            (size, many).prop_map(|(size, set)| {
                let first = size.map(|size| format!("(first: {size})")).unwrap_or_default();
                format!("friends{first} {{ nodes {{ {set} }} }}")
            }),
        ]
    })
}

const FRAGMENTS: usize = 4;

/// A document's own selections and those of its fragments, each of which spreads later ones alone.
fn with_fragments() -> impl Strategy<Value = (String, Vec<String>)> {
    (
        selections(0, FRAGMENTS),
        (selections(1, FRAGMENTS), selections(2, FRAGMENTS), selections(3, FRAGMENTS), selections(4, FRAGMENTS))
            .prop_map(|(a, b, c, d)| vec![a, b, c, d]),
    )
}

/// Why a document is too expensive, or nothing.
fn verdict(query: &str, limits: &DocumentLimits) -> Result<(), String> {
    let mut config = Config::parse([]).unwrap();
    config.document_limits = *limits;
    let documents = Documents::open(&schema().0.sdl(), &config).unwrap();
    let request = GraphqlRequest { query: Some(query.to_owned()), ..GraphqlRequest::default() };
    match documents.prepare(&request, Variables::default(), 0) {
        Ok(_) => Ok(()),
        Err(DocumentError::Request(AppError::Request(_, message))) => Err(message),
        // Fields that can't be merged, however they are written.
        Err(DocumentError::Document(Stage::Validation, _)) => Err("invalid".to_owned()),
        Err(error) => panic!("{error:?}"),
    }
}

fn json() -> impl Strategy<Value = ConstValue> {
    let leaf = prop_oneof![
        Just(ConstValue::Null),
        any::<bool>().prop_map(ConstValue::Boolean),
        any::<i64>().prop_map(|number| ConstValue::Number(number.into())),
        ".{0,8}".prop_map(ConstValue::String),
        Just(ConstValue::String("#__graphql_file__:0".into())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(ConstValue::List),
            prop::collection::hash_map("[a-z]{1,3}", inner, 0..3).prop_map(|fields| {
                ConstValue::Object(fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_is_too_strange_to_be_looked_at(text in "\\PC{0,300}") {
        let _ = scan(&text, &DocumentLimits::default());
        run(&text, Variables::default());
    }

    #[test]
    fn no_soup_of_tokens_is_too_strange_to_be_run(text in soup()) {
        run(&text, Variables::default());
    }

    /// The parser never nests deeper than the scan saw: whatever it takes, with brackets of its own or in quotes.
    #[test]
    fn nothing_hides_from_the_scan(before in soup(), levels in 9_usize..200) {
        let limits = DocumentLimits { nesting: 8, ..DocumentLimits::default() };
        let text = format!("{before}{}", "[".repeat(levels));
        let end = text.len() - levels;
        // Where the scan lets it pass, the brackets stand in a text or a comment, which the parser may only take whole.
        if scan(&text, &limits).is_ok() {
            let quoted = format!("{before}{}", " ".repeat(levels));
            let parsed = parses(&text);
            prop_assert_eq!(parsed, parses(&quoted), "{} at {}", text, end);
        }
    }

    /// Writing fragments out by hand changes nothing: the walk that remembers them counts the same.
    #[test]
    fn fragments_cost_what_they_hold((set, fragments) in with_fragments(), limit in 1_u32..300) {
        // Each fragment is spread somewhere.
        let all: Vec<String> = (0..fragments.len()).map(|n| format!("...F{n}")).collect();
        let set = format!("{set} best {{ {} }}", all.join(" "));
        let mut spread = format!("{{ people {{ nodes {{ {set} }} }} }}");
        let mut inlined = set;
        for (n, fragment) in fragments.iter().enumerate() {
            inlined = inlined.replace(&format!("...F{n}"), &format!("... on Person {{ {fragment} }}"));
            spread.extend([" fragment F", &n.to_string(), " on Person { ", fragment, " }"]);
        }
        let inlined = format!("{{ people {{ nodes {{ {inlined} }} }} }}");
        // Aliases are counted as they are written.
        let most = u32::MAX;
        let open = DocumentLimits { fields: most, cost: most, depth: most, aliases: most, nesting: 500, ..DocumentLimits::default() };
        let open = DocumentLimits { tokens: most, document_bytes: most, ..open };
        for limits in [
            DocumentLimits { depth: limit % 12 + 1, ..open },
            DocumentLimits { cost: limit * limit, ..open },
        ] {
            prop_assert_eq!(verdict(&spread, &limits), verdict(&inlined, &limits), "{}", spread);
        }
        let limits = DocumentLimits { fields: limit, ..open };
        prop_assert_eq!(verdict(&spread, &limits), verdict(&inlined, &limits), "{}", spread);
    }

    #[test]
    fn no_variable_is_too_strange(value in json(), other in json()) {
        let mut variables = Variables::default();
        variables.extend([(Name::new("a"), value), (Name::new("b"), other)]);
        run("query ($a: Int, $b: String) { echo(number: $a, text: $b) people(first: $a) { nodes { name } } }", variables.clone());
        run("mutation ($a: Upload!, $b: [Upload!]!) { upload(file: $a) uploadAll(files: $b) }", variables);
    }

    #[test]
    fn cursors_and_ids_are_ours_or_nothing(text in "\\PC{0,80}", bytes in vec(any::<u8>(), 0..60)) {
        use base64::Engine;
        let coded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        for text in [text, coded] {
            if let Ok(cursor) = StreamCursor::parse(&text) {
                prop_assert_eq!(cursor.encode(), text.clone());
            }
            if let Ok(id) = UserId::parse(&text) {
                prop_assert_eq!(id.global().to_string(), text.clone());
            }
            let _ = MessageId::parse(&text);
            let _ = PageArgs { after: Some(text), ..PageArgs::default() }.request::<(i64, String)>("a list");
        }
    }

    #[test]
    fn a_changed_token_is_no_token(at in 0_usize..400, byte in any::<u8>(), junk in "\\PC{0,200}") {
        let tokens = AccessTokens::new(Keys::new("a secret of the tests, long enough", None));
        let now = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (token, _) = tokens.issue(UserId(7), plaza::ids::SessionId(8), now).unwrap();
        prop_assert!(tokens.verify(&token, now).is_ok());
        prop_assert!(tokens.verify(&junk, now).is_err());
        let mut changed = token.clone().into_bytes();
        let at = at % changed.len();
        changed[at] = byte;
        if let Ok(changed) = String::from_utf8(changed)
            && let Ok(viewer) = tokens.verify(&changed, now)
        {
            // The last digit of each part holds bits that mean nothing.
            prop_assert_eq!(viewer.user_id, UserId(7));
        }
    }
}

/// The documents that the scan was written for, and one that a first version let through.
#[test]
fn brackets_in_the_open_are_seen() {
    let brackets = "[".repeat(100);
    for before in ["", "\"\"\"\n", "\"\"\"a\" ", "\"\" ", "\"a\n", "# \"\n", "\"\\\\\" ", "\"\"\"\\\"\"\"\"\"\" "] {
        let document = format!("{{ echo(text: [{before}{brackets}");
        assert!(scan(&document, &DocumentLimits::default()).is_err(), "{document}");
    }
    for before in ["\"", "# ", "\"\"\" \" ", "\"\\\""] {
        let after = if before.contains("\"\"\"") { "\"\"\"" } else { "\"" };
        let document = format!("{{ echo(text: {before}{brackets}{after}) }}");
        assert!(scan(&document, &DocumentLimits::default()).is_ok(), "{document}");
    }
    let request = GraphqlRequest { query: Some("{ echo(text: [\"\"\"a\" [".to_owned()), ..GraphqlRequest::default() };
    ENGINE.with(|(_, documents, _)| {
        assert!(matches!(
            documents.prepare(&request, Variables::default(), 0),
            Err(DocumentError::Document(Stage::Parse, _))
        ));
    });
}
