//! The documents are true: README.md, CONTRIBUTING.md, migrations/README.md and `docs/`. Their code blocks are run, their
//! tables compared with the code, their links followed.

mod links;
mod run;
mod tables;

use std::path::{Path, PathBuf};

/// A document of the repository.
struct Document {
    /// Its path from the root of the repository.
    path: String,
    text: String,
}

/// A fenced code block.
struct Block<'a> {
    language: &'a str,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Document {
    fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text }
    }

    /// The code blocks, in order.
    fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for line in self.text.lines() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(language)) => open = Some(Block { language, text: String::new() }),
                (None, None) => {}
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
            }
        }
        assert!(open.is_none(), "{}: a code block has no end", self.path);
        blocks
    }

    /// The lines outside of code blocks, with their numbers.
    fn prose(&self) -> Vec<(usize, &str)> {
        let mut is_code = false;
        let mut lines = Vec::new();
        for (n, line) in self.text.lines().enumerate() {
            if line.starts_with("```") {
                is_code = !is_code;
            } else if !is_code {
                lines.push((n + 1, line));
            }
        }
        lines
    }

    /// The rows of the table below a heading's line or a table's first line: each its cells.
    fn table(&self, start: &str) -> Vec<Vec<&str>> {
        let rows: Vec<Vec<&str>> = self
            .text
            .lines()
            .skip_while(|line| !line.starts_with(start))
            .skip_while(|line| !line.starts_with("|---"))
            .skip(1)
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
            .collect();
        assert!(!rows.is_empty(), "{} has no table behind {start:?}", self.path);
        rows
    }
}

/// Every document, README.md first.
fn documents() -> Vec<Document> {
    let mut paths = Vec::new();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap().map(Result::unwrap) {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path.display().to_string());
            }
        }
    }
    paths.sort();
    let first = ["README.md", "CONTRIBUTING.md", "migrations/README.md"];
    first.into_iter().map(Document::read).chain(paths.iter().map(|path| Document::read(path))).collect()
}

/// What stands in backticks in a table's cell.
fn quoted(cell: &str) -> String {
    cell.split('`').nth(1).unwrap_or_else(|| panic!("no `name` in {cell:?}")).to_owned()
}
