//! Links lead to files and headings that exist, every document is in the index, and paths in the text exist.

use std::collections::BTreeSet;

use super::{Document, documents, root};

/// A heading as GitHub names it in links.
fn slug(heading: &str) -> String {
    let plain = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = plain.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn headings(document: &Document) -> BTreeSet<String> {
    document.prose().into_iter().filter(|(_, line)| line.starts_with('#')).map(|(_, line)| slug(line)).collect()
}

/// The targets of a line's links and images.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// A link's path from the root; none when it leads out of the repository.
fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[test]
fn links_lead_somewhere() {
    let documents = documents();
    let mut broken = Vec::new();
    for document in &documents {
        for (n, line) in document.prose() {
            for target in targets(line).filter(|target| !target.starts_with("https://")) {
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = if path.is_empty() { Some(document.path.clone()) } else { resolve(&document.path, path) };
                let exists = path.as_ref().is_some_and(|path| root().join(path).exists());
                let linked = documents.iter().find(|other| Some(&other.path) == path.as_ref());
                let leads = anchor.is_empty() || linked.is_some_and(|linked| headings(linked).contains(anchor));
                if !exists || !leads {
                    broken.push(format!("{}:{n}: {target}", document.path));
                }
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn every_document_is_in_the_index() {
    let documents = documents();
    let index = documents.iter().find(|document| document.path == "docs/README.md").expect("an index");
    let linked: BTreeSet<String> = index
        .prose()
        .into_iter()
        .flat_map(|(_, line)| targets(line))
        .filter_map(|to| resolve(&index.path, to))
        .collect();
    for document in &documents {
        assert!(document.path == index.path || linked.contains(&document.path), "{} is not linked", document.path);
    }
}

/// Folders whose paths are looked at where a text names them in backticks.
const FOLDERS: [&str; 6] = ["src/", "tests/", "docs/", "migrations/", "benches/", "web/"];

#[test]
fn paths_in_the_text_exist() {
    let mut missing = Vec::new();
    for document in documents() {
        for (n, line) in document.prose() {
            for path in line.split('`').skip(1).step_by(2) {
                // Patterns such as `src/domains/<domain>/policy.rs` name many.
                let is_path = FOLDERS.iter().any(|folder| path.starts_with(folder)) && !path.contains(['<', '*', ' ']);
                if is_path && !root().join(path).exists() {
                    missing.push(format!("{}:{n}: {path}", document.path));
                }
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// Modules of tests, which the texts name as `items::`.
#[test]
fn test_modules_in_the_text_exist() {
    let modules = include_str!("../main.rs");
    for document in documents() {
        for (n, line) in document.prose() {
            for module in line.split('`').skip(1).step_by(2).filter_map(|word| word.strip_suffix("::")) {
                assert!(modules.contains(&format!("mod {module};")), "{}:{n}: no tests {module}", document.path);
            }
        }
    }
}

/// A landing page, not a manual.
#[test]
fn the_readme_is_short() {
    let lines = Document::read("README.md").text.lines().count();
    assert!(lines <= 120, "README.md has {lines} lines");
}
