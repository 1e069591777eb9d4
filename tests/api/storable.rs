//! U+0000, which PostgreSQL's text can't hold, in every text of every operation: it is refused, or found nowhere, and never
//! called Plaza's own fault. Nothing goes by the words of the server's messages, which are in its language.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::harness::{Person, TestApp};

const SCHEMA: &str = "{ __schema { types { name kind isOneOf enumValues { name } inputFields { name type { ...T } }
    fields { name args { name type { ...T } } type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// Arguments of lists that exclude each other, or others.
const OPTIONAL: [&str; 4] = ["first", "after", "last", "before"];

type Types = HashMap<String, Value>;

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap()
}

/// A type as a document writes it.
fn written(kind: &Value) -> String {
    match kind["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", written(&kind["ofType"])),
        "LIST" => format!("[{}]", written(&kind["ofType"])),
        _ => name(kind).to_owned(),
    }
}

fn innermost(kind: &Value) -> &Value {
    if kind["ofType"].is_null() { kind } else { innermost(&kind["ofType"]) }
}

/// Values for the schema's types, with U+0000 in the one text at a path.
struct Values<'a> {
    types: &'a Types,
    person: &'a Person,
    /// Where.
    at: &'a str,
    /// The texts that there are.
    texts: Vec<String>,
}

impl Values<'_> {
    fn value(&mut self, kind: &Value, path: &str) -> Value {
        match kind["kind"].as_str().unwrap() {
            "NON_NULL" => self.value(&kind["ofType"], path),
            "LIST" => json!([self.value(&kind["ofType"], path)]),
            "ENUM" => self.types[name(kind)]["enumValues"][0]["name"].clone(),
            "INPUT_OBJECT" => self.object(name(kind), path),
            _ => self.scalar(name(kind), path),
        }
    }

    fn scalar(&mut self, scalar: &str, path: &str) -> Value {
        match scalar {
            "Int" | "Float" => json!(1),
            "Boolean" => json!(true),
            "DateTime" => json!("2999-01-01T00:00:00Z"),
            "Date" => json!("2000-01-01"),
            "EmailAddress" => json!("ada@example.com"),
            "PhoneNumber" => json!("+8615712345678"),
            "Decimal" => json!("1"),
            "String" | "ID" => {
                self.texts.push(path.to_owned());
                if path == self.at {
                    json!("abcdef\u{0}gh")
                } else if scalar == "ID" {
                    json!(self.person.id)
                } else {
                    json!("abcdefgh")
                }
            }
            other => panic!("no value for {other}"),
        }
    }

    fn object(&mut self, object: &str, path: &str) -> Value {
        let kind = &self.types[object];
        let fields = kind["inputFields"].as_array().unwrap();
        let mut values = Map::new();
        for field in fields {
            let path = format!("{path}.{}", name(field));
            let value = self.value(&field["type"], &path);
            let chosen = self.at.starts_with(&path) || (self.at.is_empty() && values.is_empty());
            if kind["isOneOf"] != true || chosen {
                values.insert(name(field).to_owned(), value);
            }
        }
        if values.is_empty() {
            let first = &fields[0];
            values.insert(name(first).to_owned(), self.value(&first["type"], path));
        }
        Value::Object(values)
    }
}

/// A root field as an operation, with U+0000 in one text, and all the texts that it has.
fn operation(types: &Types, person: &Person, (root, field): (&str, &Value), at: &str) -> (String, Value, Vec<String>) {
    let mut values = Values { types, person, at, texts: Vec::new() };
    let (mut variables, mut declared, mut passed) = (Map::new(), String::new(), String::new());
    for argument in field["args"].as_array().unwrap() {
        let name = name(argument);
        let value = values.value(&argument["type"], name);
        if !OPTIONAL.contains(&name) || at == name {
            variables.insert(name.to_owned(), value);
            write!(declared, "${name}: {} ", written(&argument["type"])).unwrap();
            write!(passed, "{name}: ${name} ").unwrap();
        }
    }
    let kind = innermost(&field["type"])["kind"].as_str().unwrap();
    let selection = if ["SCALAR", "ENUM"].contains(&kind) { "" } else { "{ __typename }" };
    let document = format!("{root} ({declared}) {{ {}({passed}) {selection} }}", name(field));
    (document, Value::Object(variables), values.texts)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_with_a_zero_is_an_internal_error() {
    let app = TestApp::start().await;
    let root = app.as_role("root", "ADMIN").await;
    let schema = app.run(SCHEMA, json!({})).await.data()["__schema"]["types"].clone();
    let types: Types = schema.as_array().unwrap().iter().map(|kind| (name(kind).to_owned(), kind.clone())).collect();
    let mut tried = 0;
    for (operation_type, kind) in [("query", "Query"), ("mutation", "Mutation")] {
        for field in types[kind]["fields"].as_array().unwrap() {
            let takes_files = field["args"].to_string().contains("Upload\"");
            if field["args"].as_array().unwrap().is_empty() || takes_files {
                continue;
            }
            let (_, _, texts) = operation(&types, &root, (operation_type, field), "");
            for text in texts {
                let (document, variables, _) = operation(&types, &root, (operation_type, field), &text);
                assert!(variables.to_string().contains("\\u0000"), "{text} of {document} {variables}");
                let answer = root.run(&document, variables).await;
                assert!(answer.status < 500, "{text} of {document}: {}", answer.body);
                let refused = answer.body.get("errors").map(|_| answer.code().to_owned());
                assert!(
                    !matches!(refused.as_deref(), Some("INTERNAL" | "GRAPHQL_VALIDATION_FAILED")),
                    "{text} of {document}: {}",
                    answer.body
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 80, "{tried} texts were tried");
    let users = "query ($q: String!) { users(filter: { query: $q }) { nodes { id } totalCount } }";
    assert_eq!(root.run(users, json!({ "q": "ro\u{0}ot" })).await.code(), "BAD_USER_INPUT");
}
