//! The corpus of `tests/corpus`: valid and invalid documents for every validation rule.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A document of the corpus.
struct Case {
    place: String,
    valid: bool,
    text: String,
}

fn read(folder: &Path) -> Vec<Case> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "graphql") && !file.ends_with("schema.graphql"));
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for file in files {
        for line in fs::read_to_string(&file).unwrap().split_inclusive('\n') {
            let Some(title) = line.strip_prefix("#: ") else {
                cases.last_mut().unwrap().text.push_str(line);
                continue;
            };
            let valid = title.starts_with("valid");
            assert!(valid || title.starts_with("invalid"), "{title}");
            let place = format!("{}: {}", file.file_name().unwrap().to_string_lossy(), title.trim());
            cases.push(Case { place, valid, text: String::new() });
        }
    }
    cases
}

fn differences(folder: &Path) -> (usize, Vec<String>) {
    let mut config = Config::parse([]).unwrap();
    let most = 100_000;
    config.document_limits = DocumentLimits {
        document_bytes: most,
        tokens: most,
        nesting: 200,
        depth: most,
        root_fields: most,
        fields: most,
        aliases: most,
        directives: most,
        fragments: most,
        cost: most,
    };
    let documents = Documents::open(&fs::read_to_string(folder.join("schema.graphql")).unwrap(), &config).unwrap();
    let cases = read(folder);
    let mut different = Vec::new();
    for Case { place, valid, text } in &cases {
        match documents.read(text, Hash::default()) {
            Ok(_) if !valid => different.push(format!("{place}\n  taken")),
            Err(refused) if *valid => different.push(format!("{place}\n  refused: {refused:?}")),
            Err(DocumentError::Document(_, errors)) if errors.iter().any(|error| error.locations.is_empty()) => {
                different.push(format!("{place}\n  an error without location: {errors:?}"));
            }
            Err(DocumentError::Request(error)) => different.push(format!("{place}\n  {error:?}")),
            _ => {}
        }
    }
    (cases.len(), different)
}

#[test]
fn every_document_is_judged_as_the_specification_does() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut count = 0;
    let mut different = Vec::new();
    for folder in [corpus.clone(), corpus.join("query-only")] {
        let (judged, differences) = differences(&folder);
        count += judged;
        different.extend(differences);
    }
    assert!(count >= 400, "{count} documents");
    assert!(different.is_empty(), "{} of {count}:\n{}", different.len(), different.join("\n"));
}
