//! The folder of a cluster's socket.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, geteuid};

use super::{EmbeddedError, EmbeddedResult, chown_to, failure, make_folder, short_hash};

/// A socket path has at most 107 bytes; PostgreSQL appends `/.s.PGSQL.5432.lock`.
const SOCKET_DIR_BYTES_LIMIT: usize = 107 - 20;

/// Whether a path needs no quoting in settings and connection strings.
fn needs_no_quoting(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte))
}

/// A folder for the socket with a short path without special characters, mode 0700.
pub(super) fn socket_dir(home: &Path, run_as: Option<&User>) -> EmbeddedResult<PathBuf> {
    let mut folder = home.join("socket");
    if folder.as_os_str().len() > SOCKET_DIR_BYTES_LIMIT || !needs_no_quoting(&folder) {
        folder = Path::new("/tmp").join(format!("plaza-{}", short_hash(home)));
    }
    make_folder(&folder, 0o700)?;
    let owner = run_as.map_or_else(geteuid, |user| user.uid);
    let found = fs::symlink_metadata(&folder).map_err(|error| failure("can't look at the socket's folder", error))?;
    let owned_by = Uid::from_raw(found.uid());
    if !found.is_dir() || (owned_by != owner && owned_by != geteuid()) {
        return Err(EmbeddedError(format!("{} belongs to another user; remove it", folder.display())));
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))
        .map_err(|error| failure("can't protect the socket's folder", error))?;
    chown_to(&folder, run_as)?;
    Ok(folder)
}
