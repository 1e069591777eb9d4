//! The layers of `src`, and who may call whom. docs/development/architecture.md says what each layer is for.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use imports::{Graph, Import, Module};

/// Bottom to top: a file imports from its own layer and from those below. `*` stands for any domain.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "base",
        &[
            "attempt",
            "batches",
            "clock",
            "contact",
            "error",
            "geo",
            "ids",
            "keyed_semaphore",
            "money",
            "page",
            "permit",
            "price",
            "seen",
            "text",
            "validation",
            "files",
        ],
    ),
    ("db", &["db"]),
    ("model", &["domains/*/model", "domains/friends/names", "domains/search/words"]),
    (
        "platform",
        &["auth", "config", "events", "idempotency", "jobs", "mailer", "metrics", "rate_limit", "storage", "telemetry"],
    ),
    ("app", &["app", "scope"]),
    (
        "service",
        &[
            "domains/*/policy",
            "domains/*/store",
            "domains/*/service",
            "domains/chat/membership",
            "domains/search/list_query",
            "domains/search/terms",
        ],
    ),
    ("live", &["live"]),
    ("graphql", &["graphql"]),
    (
        "api",
        &["domains/*/loader", "domains/*/types", "domains/*/query", "domains/*/mutation", "domains/*/subscription"],
    ),
    ("schema", &["schema"]),
    ("http", &["http"]),
    ("top", &["audit", "background", "main", "run", "seed"]),
];

/// Below `api`: the domains whose services a domain calls. A pair that is not here would be a circle in the making.
const MAY_CALL: &[(&str, &[&str])] = &[
    ("accounts", &["media", "nearby", "search"]),
    ("chat", &["accounts", "media", "relations", "search"]),
    (
        "departure",
        &[
            "accounts",
            "chat",
            "favorites",
            "friends",
            "groups",
            "items",
            "media",
            "merchants",
            "nearby",
            "orders",
            "search",
            "tasks",
            "tickets",
            "wallet",
        ],
    ),
    ("favorites", &["accounts", "items"]),
    ("friends", &["accounts", "chat", "groups", "relations"]),
    ("groups", &["accounts", "chat", "media", "merchants", "nearby", "relations", "search"]),
    ("items", &["accounts", "media", "relations", "search"]),
    // Its files belong to accounts, whose avatars are files: the files of the two form no circle.
    ("media", &["accounts"]),
    ("merchants", &["accounts", "media", "relations", "search"]),
    ("nearby", &["relations"]),
    ("presence", &["relations"]),
    ("orders", &["accounts", "products", "search", "wallet"]),
    ("products", &["accounts", "media", "search"]),
    ("relations", &[]),
    ("search", &[]),
    ("tasks", &["accounts", "media", "relations", "search", "wallet"]),
    ("tickets", &["accounts", "orders", "search"]),
    ("wallet", &["accounts"]),
];

/// Modules that one file alone may import, and where the others find what they want.
const ONLY_BY: &[(&str, &[&str], &str)] = &[
    ("events/outbox", &["scope"], "record events by `Scope::record`, which wakes the sequencer after the commit"),
    ("jobs/store", &["jobs"], "call `jobs`"),
    ("rate_limit/store", &["rate_limit"], "call `rate_limit`"),
    ("idempotency/store", &["idempotency"], "call `idempotency`"),
];

fn src() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn domains() -> BTreeSet<String> {
    let entries = fs::read_dir(src().join("domains")).unwrap().map(Result::unwrap);
    entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn domain(module: &str) -> Option<&str> {
    module.strip_prefix("domains/")?.split('/').next()
}

fn fits(module: &str, pattern: &str) -> bool {
    let mut parts = module.split('/');
    pattern.split('/').all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
}

/// The layers that a file is in, by their number.
fn layers(module: &str) -> Vec<usize> {
    let holds = |(_, patterns): &(&str, &[&str])| patterns.iter().any(|pattern| fits(module, pattern));
    LAYERS.iter().enumerate().filter(|(_, layer)| holds(layer)).map(|(n, _)| n).collect()
}

/// A folder's `mod.rs` that only declares modules.
fn is_list_of_modules(module: &str) -> bool {
    module == "domains" || module.strip_prefix("domains/").is_some_and(|rest| !rest.contains('/'))
}

fn layer(module: &str) -> Option<usize> {
    layers(module).first().copied()
}

fn edges(graph: &Graph) -> impl Iterator<Item = (&Module, &Import)> {
    graph.files.iter().flat_map(|(from, imports)| imports.iter().map(move |import| (from, import)))
}

fn shown(from: &str, import: &Import) -> String {
    let name = |module: &str| layer(module).map_or("none", |n| LAYERS[n].0);
    format!("src/{from}:{} ({}) imports {} ({})", import.line, name(from), import.path, name(&import.to))
}

#[test]
fn every_file_is_in_one_layer() {
    let graph = Graph::read(&src());
    for module in graph.files.keys().filter(|module| !is_list_of_modules(module)) {
        let names: Vec<&str> = layers(module).into_iter().map(|n| LAYERS[n].0).collect();
        assert_eq!(names.len(), 1, "src/{module} is in the layers {names:?}: place it in LAYERS, in one");
    }
    for module in graph.files.keys().filter(|module| is_list_of_modules(module)) {
        let text = fs::read_to_string(src().join(module).join("mod.rs")).unwrap();
        let code = text.lines().filter(|line| !line.starts_with("//") && !line.is_empty());
        let other: Vec<&str> = code.filter(|line| !line.starts_with("pub mod ") && !line.starts_with("mod ")).collect();
        assert!(other.is_empty(), "src/{module}/mod.rs declares modules and nothing else: move {other:?}");
    }
}

/// The document's table is this one.
#[test]
fn the_document_names_the_same_layers() {
    let text = fs::read_to_string(src().join("../docs/development/architecture.md")).unwrap();
    let rows =
        text.lines().skip_while(|line| !line.starts_with("| layer |")).skip(2).take_while(|line| line.starts_with('|'));
    let written: Vec<(String, BTreeSet<String>)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (cells[1].to_owned(), cells[2].split_whitespace().map(|name| name.trim_matches('`').to_owned()).collect())
        })
        .collect();
    let expected: Vec<(String, BTreeSet<String>)> = LAYERS
        .iter()
        .map(|(name, modules)| ((*name).to_owned(), modules.iter().map(|module| (*module).to_owned()).collect()))
        .collect();
    assert_eq!(written, expected);
}

#[test]
fn no_import_points_up() {
    let graph = Graph::read(&src());
    let is_upward = |(from, import): &(&Module, &Import)| layer(from) < layer(&import.to) && layer(from).is_some();
    let upward: Vec<String> = edges(&graph).filter(is_upward).map(|(from, import)| shown(from, import)).collect();
    assert!(
        upward.is_empty(),
        "{upward:#?}\nMove what is shared down, pass it as an argument, or let the upper layer call (see LAYERS)."
    );
}

#[test]
fn below_the_api_no_files_import_each_other_in_a_circle() {
    let graph = Graph::read(&src());
    let api = LAYERS.iter().position(|(name, _)| *name == "api").unwrap();
    let cycles = graph.cycles(|module| layer(module) != Some(api));
    assert!(cycles.is_empty(), "{cycles:#?}\nMove what both need into a file of its own below them.");
}

#[test]
fn domains_call_those_that_they_may() {
    let graph = Graph::read(&src());
    let may_call: BTreeMap<&str, &[&str]> = MAY_CALL.iter().copied().collect();
    let named: BTreeSet<String> = may_call.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(named, domains(), "each domain has a line in MAY_CALL");
    let service = LAYERS.iter().position(|(name, _)| *name == "service");
    let mut used = BTreeSet::new();
    for (from, import) in edges(&graph).filter(|(from, import)| layer(from) == service && layer(&import.to) == service)
    {
        let (Some(one), Some(other)) = (domain(from), domain(&import.to)) else { continue };
        if one != other {
            assert!(may_call[one].contains(&other), "{}: not in MAY_CALL", shown(from, import));
            used.insert((one.to_owned(), other.to_owned()));
        }
    }
    for (one, others) in MAY_CALL {
        let unused: Vec<_> = others.iter().filter(|other| !used.contains(&((*one).into(), (**other).into()))).collect();
        assert!(unused.is_empty(), "{one} calls none of {unused:?}: take them out of MAY_CALL");
    }
}

#[test]
fn what_has_one_door_is_reached_through_it() {
    let graph = Graph::read(&src());
    for (from, import) in edges(&graph) {
        if let (Some(one), Some(other)) = (domain(from), domain(&import.to)) {
            let is_store = fits(&import.to, "domains/*/store");
            assert!(one == other || !is_store, "{}: call the service of {other}", shown(from, import));
        }
        for (module, callers, advice) in ONLY_BY {
            let inside = from.split('/').next() == module.split('/').next();
            let allowed = inside || callers.contains(&from.as_str());
            assert!(import.to != *module || allowed, "{}: {advice}", shown(from, import));
        }
    }
}

/// Units as a newcomer counts them: the top-level modules, and each domain once for each of its layers.
#[test]
fn units_form_no_circle_but_the_graph_s_own() {
    let graph = Graph::read(&src());
    let unit = |module: &str| match (domain(module), layer(module)) {
        (Some(domain), Some(layer)) => format!("{domain}:{}", LAYERS[layer].0),
        _ => module.split('/').next().unwrap_or_default().to_owned(),
    };
    let mut units: BTreeMap<String, Vec<Import>> = BTreeMap::new();
    for (from, import) in edges(&graph).filter(|(from, import)| unit(from) != unit(&import.to)) {
        units.entry(unit(from)).or_default().push(Import { to: unit(&import.to), ..import.clone() });
    }
    let cycles = Graph { files: units }.cycles(|_| true);
    // Types refer to each other, as the graph does; of avatars, see MAY_CALL.
    let avatars = BTreeSet::from(["accounts:service".to_owned(), "media:service".to_owned()]);
    let is_known = |cycle: &BTreeSet<Module>| *cycle == avatars || cycle.iter().all(|unit| unit.ends_with(":api"));
    let other: Vec<_> = cycles.iter().filter(|cycle| !is_known(cycle)).collect();
    assert!(other.is_empty(), "{other:#?}");
}
