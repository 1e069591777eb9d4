//! The documents' tables of settings, commands, error codes and make targets are the code's.

use std::collections::BTreeSet;

use plaza::config::SETTINGS;

use super::{Document, quoted, root};
use crate::harness::process::output;

fn names(document: &Document, start: &str) -> BTreeSet<String> {
    let rows = document.table(start);
    let names: BTreeSet<String> = rows.iter().map(|row| quoted(row[0])).collect();
    assert_eq!(names.len(), rows.len(), "{}: a name is twice in the table behind {start:?}", document.path);
    names
}

#[test]
fn the_settings_are_the_code_s() {
    let document = Document::read("docs/operations/configuration.md");
    let expected: Vec<String> = SETTINGS
        .iter()
        .map(|setting| format!("| `{}` | {} | {} |", setting.name, setting.default, setting.meaning))
        .collect();
    let found: Vec<&str> = document.text.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_commands_are_those_of_the_help() {
    let help = String::from_utf8(output(&["--help"], &[]).await.stdout).unwrap();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let expected: BTreeSet<String> = commands
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .map(ToOwned::to_owned)
        .collect();
    let document = Document::read("docs/operations/commands.md");
    let found: BTreeSet<String> = names(&document, "| command |")
        .iter()
        .filter_map(|name| Some(name.strip_prefix("plaza ")?.split(' ').next()?.to_owned()))
        .collect();
    assert!(expected.len() > 6, "{help}");
    assert_eq!(found, expected);
}

#[test]
fn the_make_targets_are_those_of_the_makefile() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let expected: BTreeSet<String> = makefile
        .lines()
        .filter(|line| line.contains(" ## "))
        .filter_map(|line| Some(format!("make {}", line.split_once(':')?.0)))
        .collect();
    assert!(expected.len() > 10, "{expected:?}");
    assert_eq!(names(&Document::read("CONTRIBUTING.md"), "| target |"), expected);
}

/// `errors[].extensions.code`: the names that `ErrorCode` is written as.
#[test]
fn the_error_codes_are_those_of_the_code() {
    let code = include_str!("../../../src/error.rs");
    let expected: BTreeSet<String> = code
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \"")?.1.strip_suffix("\","))
        .map(ToOwned::to_owned)
        .collect();
    assert!(expected.len() > 15, "{expected:?}");
    assert_eq!(names(&Document::read("docs/api/errors.md"), "| `extensions.code` |"), expected);
}

/// The lines of a type's or enum's definition in the schema, without descriptions.
fn definition<'a>(schema: &'a str, head: &str) -> Vec<&'a str> {
    let mut is_text = false;
    let lines = schema.lines().skip_while(|line| !line.starts_with(head)).skip(1).take_while(|line| *line != "}");
    lines
        .map(str::trim)
        .filter(|line| {
            let is_fence = *line == "\"\"\"";
            is_text ^= is_fence;
            !is_fence && !is_text
        })
        .collect()
}

#[test]
fn the_user_error_codes_are_the_schema_s() {
    let schema = include_str!("../../../schema.graphql");
    let expected: BTreeSet<String> =
        definition(schema, "enum UserErrorCode {").into_iter().map(ToOwned::to_owned).collect();
    assert!(expected.len() > 30, "{expected:?}");
    assert_eq!(names(&Document::read("docs/api/errors.md"), "| `UserErrorCode` |"), expected);
}

/// The types of user errors, with the fields that each has beyond its interface's.
#[test]
fn the_details_of_user_errors_are_the_schema_s() {
    let schema = include_str!("../../../schema.graphql");
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let shared: BTreeSet<String> = definition(schema, "interface UserError {").into_iter().map(name).collect();
    let mut expected = BTreeSet::new();
    for line in schema.lines().filter(|line| line.ends_with(" implements UserError {")) {
        let fields = definition(schema, line).into_iter().map(name).filter(|field| !shared.contains(field));
        let fields: BTreeSet<String> = fields.collect();
        expected.insert((line.split(' ').nth(1).unwrap().to_owned(), fields));
    }
    let document = Document::read("docs/api/errors.md");
    let found: BTreeSet<(String, BTreeSet<String>)> = document
        .table("| type |")
        .iter()
        .map(|row| (quoted(row[0]), row[1].split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()))
        .collect();
    assert!(expected.len() > 4, "{expected:?}");
    assert_eq!(found, expected);
}

#[test]
fn the_rust_version_is_the_manifest_s() {
    let version = concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or newer");
    assert!(Document::read("README.md").text.contains(version), "README.md doesn't say {version}");
}
