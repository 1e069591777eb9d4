//! Names: one meaning for each type, nouns for types, the kind of unit for constants of time.

use std::collections::BTreeMap;

use crate::conventions::{code, rust_files};

/// Types declared in `src`, with their files; without tests, and the SQL types that diesel writes for enums.
fn declared_types() -> BTreeMap<String, Vec<String>> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in rust_files("src").into_iter().filter(|(file, _)| file != "src/db/schema.rs") {
        let text = code(text.split("#[cfg(test)]\nmod tests").next().unwrap());
        for line in text.lines() {
            let declaration = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
            let mut words = declaration.trim_start_matches("pub ").split_whitespace();
            let is_type = match words.next() {
                Some("struct" | "enum" | "trait") => true,
                // Deeper inside, it is an associated type.
                Some("type") => !line.starts_with(' '),
                _ => false,
            };
            let name: String = words.next().unwrap_or_default().chars().take_while(|c| c.is_alphanumeric()).collect();
            if is_type && name.starts_with(char::is_uppercase) {
                types.entry(name).or_default().push(file.clone());
            }
        }
    }
    types
}

/// A type name has one meaning in the crate. A row in `model` and its GraphQL type in `types` of the same domain are one.
#[test]
fn a_type_name_is_declared_once() {
    let place = |file: &str| {
        let (domain, rest) = file.strip_prefix("src/domains/")?.split_once('/')?;
        Some((domain.to_owned(), rest.split(['/', '.']).next()?.to_owned()))
    };
    let is_row_and_object = |files: &[String]| match [files.first(), files.get(1)].map(|file| place(file?)) {
        [Some((one, model)), Some((other, types))] => {
            files.len() == 2 && one == other && model == "model" && types == "types"
        }
        _ => false,
    };
    let mut duplicates = declared_types();
    duplicates.retain(|_, files| files.len() > 1 && !is_row_and_object(files));
    assert!(duplicates.is_empty(), "declared more than once: {duplicates:#?}");
}

/// Pronouns and participles say nothing about what a type is.
const BANNED_TYPE_NAMES: [&str; 24] = [
    "Asked",
    "Came",
    "Exchanged",
    "Found",
    "Gone",
    "Held",
    "Holds",
    "Kept",
    "Led",
    "Made",
    "More",
    "Nothing",
    "Opened",
    "Painted",
    "Refused",
    "Said",
    "Seen",
    "Sent",
    "Takes",
    "Told",
    "Waiting",
    "Wanted",
    "Which",
    "Who",
];

#[test]
fn types_are_named_by_nouns() {
    for (name, files) in declared_types() {
        let is_banned = BANNED_TYPE_NAMES.contains(&name.as_str());
        assert!(!is_banned, "{name} in {files:?} does not say what it is");
    }
}

/// What a constant of time has to end with.
const TIME_SUFFIXES: [&str; 9] =
    ["AGE", "DELAY", "DURATION", "GRACE", "INTERVAL", "LIFETIME", "LIMIT", "TIMEOUT", "WINDOW"];

#[test]
fn constants_of_time_name_their_kind() {
    for (file, text) in rust_files("src") {
        for line in code(&text).lines() {
            let Some((name, rest)) = line.split_once("const ").and_then(|(_, rest)| rest.split_once(": ")) else {
                continue;
            };
            let is_time = ["Duration =", "TimeDelta ="].iter().any(|kind| rest.contains(kind));
            let is_named = TIME_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
            assert!(!is_time || is_named, "{name} in {file} does not end with one of {TIME_SUFFIXES:?}");
        }
    }
}
