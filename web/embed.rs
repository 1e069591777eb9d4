//! Cargo's build script: lists the files of `web/dist`, compressed by the bundle's build, for `http::graphiql`, and has the
//! crate compiled again when a migration was added.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let bundle = root.join("web/dist");
    println!("cargo:rerun-if-changed=web/embed.rs");
    // `embed_migrations!` sees a changed migration, but not a new one.
    println!("cargo:rerun-if-changed=migrations");
    let mut files = Vec::new();
    if bundle.is_dir() {
        // Not before it exists, or everything would be built anew each time; `make web` touches this file.
        println!("cargo:rerun-if-changed=web/dist");
        collect(&bundle, &mut files)?;
    }
    files.sort();
    let mut list = "const ASSETS: &[Asset] = &[\n".to_owned();
    for file in &files {
        let path = file.strip_prefix(&bundle).map_err(io::Error::other)?.with_extension("").display().to_string();
        let file = file.display().to_string();
        let _ = writeln!(list, "    Asset {{ path: {path:?}, gzip: include_bytes!({file:?}) }},");
    }
    list.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("assets.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "gz") {
            files.push(path);
        }
    }
    Ok(())
}
