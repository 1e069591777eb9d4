//! Finds the PostgreSQL binaries on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest supported major version.
const OLDEST_VERSION: u32 = 15;

/// The folder with `initdb`, `postgres`, `pg_ctl` and `psql` of one version.
#[derive(Clone, Debug)]
pub(super) struct Binaries(PathBuf);

impl Binaries {
    /// For a new cluster: `chosen`, PATH, or the newest that a package put in its version's folder. For an existing
    /// one (`cluster_version`, as `PG_VERSION` has it): those of its version, wherever they are.
    pub(super) fn find(chosen: Option<&Path>, cluster_version: Option<&str>) -> Result<Self, String> {
        let required: Option<u32> = cluster_version.and_then(|text| text.parse().ok());
        let fits = |folder: &Path| {
            version(folder).filter(|found| *found >= OLDEST_VERSION && required.is_none_or(|major| major == *found))
        };
        if let Some(folder) = chosen {
            return match fits(folder) {
                Some(_) => Ok(Self(folder.to_owned())),
                None => {
                    Err(format!("PLAZA_PG_BIN is {}, which has no {}", folder.display(), describe_version(required)))
                }
            };
        }
        if let Some(folder) = path_folders().into_iter().find(|folder| fits(folder).is_some()) {
            return Ok(Self(folder));
        }
        let newest = package_folders().into_iter().filter_map(|folder| Some((fits(&folder)?, folder))).max();
        newest.map(|(_, folder)| Self(folder)).ok_or_else(|| {
            let package = required.map_or_else(|| "postgresql".to_owned(), |major| format!("postgresql-{major}"));
            format!(
                "this machine has no {}: install it (apt-get install {package}), name its folder in PLAZA_PG_BIN, \
                 or set DATABASE_URL to a server of yours",
                describe_version(required)
            )
        })
    }

    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.0.join(program)
    }
}

fn describe_version(required: Option<u32>) -> String {
    match required {
        Some(major) => format!("PostgreSQL {major}, which made the cluster in the data folder"),
        None => format!("PostgreSQL {OLDEST_VERSION} or newer"),
    }
}

/// The major version of the server in this folder, if a whole server is there.
fn version(folder: &Path) -> Option<u32> {
    if !["initdb", "pg_ctl", "psql"].iter().all(|program| folder.join(program).is_file()) {
        return None;
    }
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "PATH is no setting of Plaza's")]
fn path_folders() -> Vec<PathBuf> {
    std::env::var("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Debian and Ubuntu, Red Hat family, Homebrew, BSDs.
fn package_folders() -> Vec<PathBuf> {
    let versioned = |parent: &str, below: &str| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        entries.map(|entry| entry.path().join(below)).collect()
    };
    let mut folders = versioned("/usr/lib/postgresql", "bin");
    folders.extend(versioned("/usr", "bin").into_iter().filter(|path| path.to_string_lossy().contains("/pgsql-")));
    folders.extend(versioned("/opt/homebrew/opt", "bin"));
    folders.push("/usr/local/bin".into());
    folders
}
