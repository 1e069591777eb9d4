//! The folder of a cluster's socket.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, geteuid};

use super::{EmbeddedError, Outcome, failure, give_to, make_folder, short_hash};

/// A socket's path has at most 107 bytes; PostgreSQL adds `/.s.PGSQL.5432.lock` to the folder.
const LONGEST_SOCKET_DIR: usize = 107 - 20;

/// Whether a path means nothing else where PostgreSQL takes lists and quotes: its settings and connection strings.
fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte))
}

/// A folder for the socket whose path is short and plain enough, writable by its owner alone.
pub(super) fn socket_dir(home: &Path, run_as: Option<&User>) -> Outcome<PathBuf> {
    let mut folder = home.join("socket");
    if folder.as_os_str().len() > LONGEST_SOCKET_DIR || !is_plain(&folder) {
        folder = Path::new("/tmp").join(format!("plaza-{}", short_hash(home)));
    }
    make_folder(&folder, 0o700)?;
    let owner = run_as.map_or_else(geteuid, |user| user.uid);
    let found = fs::symlink_metadata(&folder).map_err(|error| failure("can't look at the socket's folder", error))?;
    let made_by = Uid::from_raw(found.uid());
    if !found.is_dir() || (made_by != owner && made_by != geteuid()) {
        return Err(EmbeddedError(format!("{} belongs to another user; remove it", folder.display())));
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))
        .map_err(|error| failure("can't protect the socket's folder", error))?;
    give_to(&folder, run_as)?;
    Ok(folder)
}
