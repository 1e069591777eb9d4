//! Generated signing secret, stored in the data folder with mode 0600.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::random_bytes;
use crate::error::{AppError, AppResult};

/// Reads the secret of a data folder, or generates it.
///
/// # Errors
/// When the folder can't be read or written.
pub fn load_or_create(data_dir: &Path) -> AppResult<String> {
    let path = data_dir.join("jwt-secret");
    match fs::read_to_string(&path) {
        Ok(secret) => return Ok(secret.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(AppError::internal(error)),
    }
    fs::create_dir_all(data_dir).map_err(AppError::internal)?;
    let secret = URL_SAFE_NO_PAD.encode(random_bytes::<32>());
    let fresh = data_dir.join("jwt-secret.new");
    let write = || {
        let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(secret.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
    };
    write().map_err(AppError::internal)?;
    Ok(secret)
}
