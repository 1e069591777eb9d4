//! Conventions of the code that can be checked, and generated files that have to agree with it.

use std::fs;
use std::path::{Path, PathBuf};

use plaza::db::migrate;

use crate::harness::{cluster, connect, process::output, until};
use crate::table_definitions::camel_case;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files below a folder: path from the root, and text.
pub fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Code without its comments.
pub fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn sql_is_in_stores_and_graphql_above_the_services() {
    for (name, text) in rust_files("src") {
        let text = code(&text);
        let layer = |layer: &str| name.contains(&format!("/{layer}.rs")) || name.contains(&format!("/{layer}/"));
        let domain = name.strip_prefix("src/domains/").and_then(|rest| rest.split('/').next());
        if layer("store") {
            assert!(!text.contains("async_graphql"), "{name} is a store and sees GraphQL");
        }
        if domain.is_some() && ["types", "query", "mutation", "subscription"].iter().any(|name| layer(name)) {
            assert!(!text.contains("diesel"), "{name} speaks GraphQL and sees diesel");
        }
        if !layer("store") && !["src/db/migrate.rs", "src/db/sql.rs"].contains(&name.as_str()) {
            assert!(!text.contains("RunQueryDsl"), "{name} sends SQL outside a store");
        }
    }
}

#[test]
fn files_stay_readable() {
    for folder in ["src", "tests"] {
        for (name, text) in rust_files(folder) {
            let lines = text.lines().count();
            assert!(lines <= 400 || name == "src/db/schema.rs", "{name} has {lines} lines");
            for word in ["util", "helper", "misc", "common"] {
                assert!(!name.contains(word), "{name} says nothing about what it holds");
            }
            if folder == "src" && name != "src/db/schema.rs" {
                assert!(text.starts_with("//!"), "{name} doesn't say what it is");
            }
        }
    }
}

#[tokio::test]
async fn the_schema_file_is_what_the_binary_prints() {
    let printed = output(&["schema"], &[]).await;
    assert!(printed.status.success());
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(printed, read("schema.graphql"), "run `make schema`");
}

/// Every type, field, argument, input field and enum value is described.
#[test]
fn everything_in_the_schema_is_described() {
    let text = read("schema.graphql");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut inside_text = false;
    let mut described = false;
    let mut missing = Vec::new();
    for line in &lines {
        if line.starts_with("\"\"\"") {
            let one_line = line.len() > 3 && line.ends_with("\"\"\"");
            if !one_line {
                inside_text = !inside_text;
            }
            described = true;
            continue;
        }
        if inside_text || line.is_empty() || line.starts_with('}') || line.starts_with(')') {
            continue;
        }
        let is_schema = line.starts_with("schema")
            || line.starts_with("query:")
            || line.starts_with("mutation:")
            || line.starts_with("subscription:");
        let own = line.starts_with("directive");
        if !described && !is_schema && !own {
            missing.push(*line);
        }
        described = false;
    }
    assert!(missing.is_empty(), "without a description: {missing:#?}");
}

/// Every enum of PostgreSQL's is whole in the code: each label is read and written.
#[tokio::test(flavor = "multi_thread")]
async fn enums_have_every_label() {
    let url = cluster().database().await;
    let client = connect(&url).await;
    let text: String = rust_files("src").into_iter().map(|(_, text)| text).collect();
    // Two are kept for instances of the version before: what they name is text now.
    let labels = "select t.typname::text, e.enumlabel::text from pg_enum e join pg_type t on t.oid = e.enumtypid \
        where t.typname not in ('event_kind', 'event_audience')";
    for row in client.query(labels, &[]).await.unwrap() {
        let (name, label): (String, String) = (row.get(0), row.get(1));
        let start =
            text.find(&format!("sql_types::{} {{", camel_case(&name))).unwrap_or_else(|| panic!("no enum {name}"));
        let end = start + text[start..].find("\n}").unwrap();
        assert!(text[start..end].contains(&format!("= \"{label}\"")), "{name} has no {label}");
    }
}

/// Migrations go up, down and up again, and leave nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_both_ways() {
    let url = cluster().empty_database().await;
    let client = connect(&url).await;
    let count = migrate::run(&url).await.unwrap().len();
    assert_eq!(count, migrate::names().unwrap().len());
    migrate::revert_all(&url).await.unwrap();
    let left = "select count(*) from (
        select relname from pg_class where relnamespace = 'public'::regnamespace and relname not like '\\_\\_diesel%'
        union all select typname from pg_type where typnamespace = 'public'::regnamespace and typtype = 'e') x
        where relname not like '%trgm%'";
    assert_eq!(client.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert_eq!(migrate::run(&url).await.unwrap().len(), count);
    assert_eq!(migrate::run(&url).await.unwrap().len(), 0);
}

/// A migration that finds its table in use waits a second at a time: behind a change that waits, all who use the table
/// would wait as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_lets_the_others_work() {
    let url = cluster().database().await;
    let (sql, reader) = (connect(&url).await, connect(&url).await);
    let undo = "alter table outbox drop written_at; alter table event_stream drop outbox_floor; delete from __diesel_schema_migrations where version = '00000000000018'";
    sql.batch_execute(undo).await.unwrap();
    // A long reader, such as a dump.
    reader.batch_execute("begin; select count(*) from outbox").await.unwrap();
    let migrating = tokio::spawn({
        let url = url.clone();
        async move { migrate::run(&url).await }
    });
    let waits = "select count(*) from pg_locks where not granted and relation = 'outbox'::regclass";
    until("the migration waits", || async { sql.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 1 }).await;
    let start = std::time::Instant::now();
    sql.query("select count(*) from outbox", &[]).await.unwrap();
    assert!(start.elapsed() < std::time::Duration::from_secs(4), "it waited {:?}", start.elapsed());
    assert!(!migrating.is_finished());
    reader.batch_execute("commit").await.unwrap();
    assert_eq!(migrating.await.unwrap().unwrap(), ["00000000000018"]);
}

/// The parameters of a function, whose text starts behind `fn`, without what is quoted in their attributes.
fn parameters(function: &str) -> Vec<String> {
    let (mut generics, mut depth, mut is_quoted, mut previous) = (0, 0, false, ' ');
    let mut parameters = vec![String::new()];
    for c in function.chars() {
        is_quoted ^= c == '"' && previous != '\\';
        let change = match c {
            _ if is_quoted => 0,
            '(' | '[' | '{' | '<' => 1,
            ')' | ']' | '}' => -1,
            '>' if previous != '-' => -1,
            _ => 0,
        };
        previous = c;
        if depth == 0 && (generics > 0 || c != '(') {
            // The name and the generic parameters.
            generics += change;
            continue;
        }
        depth += change;
        match c {
            _ if depth == 0 => break,
            _ if is_quoted => {}
            ',' if depth == 1 => parameters.push(String::new()),
            _ => parameters.last_mut().unwrap().push(c),
        }
    }
    let opening = usize::from(parameters[0].starts_with('('));
    parameters[0].drain(..opening);
    parameters
}

/// A tuple hides how many arguments a function has, and what each is. The row of a query, a type named `…Row`, may be taken
/// apart where it is mapped.
#[test]
fn no_argument_is_a_tuple() {
    let is_tuple = |text: &str| {
        let text = text.trim().trim_start_matches(['&', '*']);
        let text = text.strip_prefix('\'').and_then(|rest| rest.split_once(' ')).map_or(text, |(_, rest)| rest);
        let text = text.trim_start_matches("mut ");
        text.starts_with('(') && !text.starts_with("(dyn ") && !text.starts_with("(impl ")
    };
    let mut tuples = Vec::new();
    for (file, text) in rust_files("src") {
        let functions = text.match_indices("fn ").filter(|(at, _)| {
            let before = text[..*at].rsplit('\n').next().unwrap();
            !before.trim_start().starts_with("//") && !before.ends_with(char::is_alphanumeric)
        });
        for (at, _) in functions {
            let line = text[..at].matches('\n').count() + 1;
            for parameter in parameters(&text[at..]) {
                let parameter = parameter.rsplit_once(")]").map_or(parameter.as_str(), |(_, rest)| rest);
                let Some((pattern, kind)) = parameter.split_once(": ") else { continue };
                if is_tuple(kind) || is_tuple(pattern) && !kind.trim_end().ends_with("Row") {
                    tuples.push(format!("{file}:{line}: {}: {}", pattern.trim(), kind.trim()));
                }
            }
        }
    }
    let advice = "pass separate arguments, or a struct with a name and documented fields";
    assert!(tuples.is_empty(), "arguments that are tuples; {advice}: {tuples:#?}");
}

/// The resolvers that are no `async fn`, of every object that lists its plain ones, and the objects without a list.
#[test]
fn every_plain_resolver_is_listed() {
    let (mut missing, mut listed) = (Vec::new(), 0);
    for (file, text) in rust_files("src") {
        for (at, _) in text.match_indices("#[Object(crate") {
            let Some((head, body)) = text[at..].split_once(" {\n") else { continue };
            let object = head.rsplit(' ').next().unwrap();
            let body = body.split("\n}\n").next().unwrap();
            let list = text.split_once(&format!("plain!({object} ")).map(|(_, rest)| rest.split("});").next().unwrap());
            for resolver in body.split("\n    fn ").skip(1).map(|rest| rest.split('(').next().unwrap()) {
                listed += 1;
                if !list.is_some_and(|list| list.contains(&format!("=> {resolver},"))) {
                    missing.push(format!("{file}: {object}.{resolver}"));
                }
            }
        }
    }
    assert!(listed > 80, "{listed} plain resolvers");
    assert!(missing.is_empty(), "not in `plain!` of their type, or meant to be `async fn`: {missing:#?}");
}

/// Every output type is one of `graphql/eager`; the library's own way is several times as slow.
#[test]
fn every_output_type_is_eager() {
    let mut others = Vec::new();
    for (file, text) in rust_files("src").into_iter().filter(|(file, _)| !file.starts_with("src/graphql/eager")) {
        let objects = code(&text).matches("#[Object]").count();
        let derived = text.match_indices("#[derive(").filter(|(at, _)| {
            let (traits, rest) = text[*at..].split_once(")]").unwrap();
            let makes_output = ["SimpleObject", "Union", "Interface"].iter().any(|name| traits.contains(name));
            makes_output && !rest.split("pub ").next().unwrap().contains("crate = \"crate::graphql::eager\"")
        });
        let count = objects + derived.count();
        if count > 0 {
            others.push(format!("{file}: {count}"));
        }
    }
    assert!(others.is_empty(), "without `crate = \"crate::graphql::eager\"`: {others:#?}");
}
