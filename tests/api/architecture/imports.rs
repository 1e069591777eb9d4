//! The import graph of `src`, read from its files: `use` lines, paths written out, and what is reached through an imported
//! module (`use crate::domains::items; … items::service::find()` is an edge to `items/service`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A file by its module path, such as `domains/items/model`; a folder's `mod.rs` has the folder's.
pub type Module = String;

/// What one file imports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The file that is imported.
    pub to: Module,
    /// The line of the file that imports it.
    pub line: usize,
    /// The path as it is written.
    pub path: String,
}

/// Who imports whom.
pub struct Graph {
    /// The imports of each file.
    pub files: BTreeMap<Module, Vec<Import>>,
}

impl Graph {
    /// The graph of the files below a folder.
    pub fn read(src: &Path) -> Self {
        let mut texts = BTreeMap::new();
        collect(src, src, &mut texts);
        let names: BTreeSet<Module> = texts.keys().cloned().collect();
        let files = texts.iter().map(|(module, text)| (module.clone(), imports(module, text, &names))).collect();
        Self { files }
    }

    /// Groups of files that import each other in a circle. A folder's `mod.rs` is the face of the files in it: what it
    /// re-exports of them is no import.
    pub fn cycles(&self, holds: impl Fn(&Module) -> bool) -> Vec<BTreeSet<Module>> {
        let reach = |from: &Module| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
            while let Some(module) = open.pop() {
                for import in self.files.get(&module).into_iter().flatten() {
                    let is_child = import.to.starts_with(&format!("{module}/"));
                    if !is_child && holds(&import.to) && seen.insert(import.to.clone()) {
                        open.push(import.to.clone());
                    }
                }
            }
            seen
        };
        let reached: BTreeMap<&Module, BTreeSet<Module>> =
            self.files.keys().filter(|module| holds(module)).map(|module| (module, reach(module))).collect();
        let mut cycles = BTreeSet::new();
        for (module, seen) in reached.iter().filter(|(module, seen)| seen.contains(**module)) {
            let circle = seen.iter().filter(|other| reached.get(other).is_some_and(|back| back.contains(*module)));
            cycles.insert(circle.cloned().collect::<BTreeSet<_>>());
        }
        cycles.into_iter().collect()
    }
}

fn collect(root: &Path, folder: &Path, texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path: PathBuf = entry.path();
        if path.is_dir() {
            collect(root, &path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().with_extension("").display().to_string();
            let module = name.strip_suffix("/mod").unwrap_or(&name).to_owned();
            texts.insert(module, fs::read_to_string(&path).unwrap());
        }
    }
    texts.remove("lib");
}

/// The text without comments and without its test module, so that lines keep their numbers.
fn plain(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn imports(module: &str, text: &str, names: &BTreeSet<Module>) -> Vec<Import> {
    let code = plain(text);
    let mut paths: Vec<(usize, String)> = Vec::new();
    let mut aliases: BTreeMap<String, String> = BTreeMap::new();
    let mut rest = String::new();
    let mut offset = 0;
    // The code between two `use` declarations keeps its line breaks.
    while let Some(start) = next_use(&code, offset) {
        let end = code[start..].find(';').map_or(code.len(), |length| start + length);
        rest.push_str(&code[offset..start]);
        let line = code[..start].matches('\n').count() + 1;
        let declaration = code[start..end].split_once("use ").map_or("", |(_, path)| path);
        for leaf in leaves(&declaration.split_whitespace().collect::<Vec<_>>().join(" ")) {
            let (path, alias) =
                leaf.split_once(" as ").map_or((leaf.as_str(), None), |(path, alias)| (path, Some(alias)));
            let path = path.strip_suffix("::self").unwrap_or(path).replace(' ', "");
            let name = alias.unwrap_or_else(|| path.rsplit("::").next().unwrap_or_default()).trim().to_owned();
            aliases.insert(name, path.clone());
            paths.push((line, path));
        }
        rest.push_str(&"\n".repeat(code[start..end].matches('\n').count()));
        offset = end;
    }
    rest.push_str(&code[offset..]);
    for (n, line) in rest.lines().enumerate() {
        for path in written_paths(line) {
            let first = path.split("::").next().unwrap_or_default();
            if ["crate", "super", "self"].contains(&first) {
                paths.push((n + 1, path));
            } else if let Some(base) = aliases.get(first) {
                paths.push((n + 1, format!("{base}{}", &path[first.len()..])));
            }
        }
    }
    let mut found: Vec<Import> = paths
        .into_iter()
        .filter_map(|(line, path)| Some(Import { to: resolve(module, &path, names)?, line, path }))
        .filter(|import| import.to != module)
        .collect();
    found.sort();
    found.dedup_by(|one, other| one.to == other.to);
    found
}

fn next_use(code: &str, from: usize) -> Option<usize> {
    let mut start = from;
    for line in code[from..].split_inclusive('\n') {
        let trimmed = line.trim_start();
        if ["use ", "pub use ", "pub(crate) use ", "pub(super) use "].iter().any(|lead| trimmed.starts_with(lead)) {
            return Some(start);
        }
        start += line.len();
    }
    None
}

/// The single paths of a `use` declaration, without its braces.
fn leaves(declaration: &str) -> Vec<String> {
    let Some(open) = declaration.find('{') else { return vec![declaration.trim().to_owned()] };
    let (lead, inner) = (declaration[..open].trim(), &declaration[open + 1..declaration.rfind('}').unwrap()]);
    let (mut depth, mut part, mut found) = (0, String::new(), Vec::new());
    for c in inner.chars().chain([',']) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            if !part.trim().is_empty() {
                found.extend(leaves(part.trim()).into_iter().map(|leaf| format!("{lead}{leaf}")));
            }
            part.clear();
        } else {
            part.push(c);
        }
    }
    found
}

/// The paths of at least two names in a line of code.
fn written_paths(line: &str) -> impl Iterator<Item = String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    line.split(move |c| !is_part(c))
        .filter(|word| word.contains("::"))
        .map(|word| word.trim_end_matches(':').to_owned())
}

/// The file that a path leads to: the longest part of it that is one.
fn resolve(module: &str, path: &str, names: &BTreeSet<Module>) -> Option<Module> {
    let mut parts: Vec<&str> = path.split("::").collect();
    let mut base: Vec<&str> = module.split('/').collect();
    match *parts.first()? {
        "crate" => base.clear(),
        "super" | "self" => {}
        _ => return None,
    }
    while parts.first().is_some_and(|part| ["crate", "super", "self"].contains(part)) {
        if parts.remove(0) == "super" {
            base.pop();
        }
    }
    base.extend(parts);
    (1..=base.len()).rev().map(|length| base[..length].join("/")).find(|name| names.contains(name))
}
